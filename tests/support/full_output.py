"""Runs a program whose standard output is a full disk."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from .process import ROOT


def run_with_full_output(command: Sequence[str], **variables: str) -> tuple[int, str]:
    """Return the exit code and what was printed on standard error. `variables`: of the environment, besides
    our own."""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, **variables},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    return done.returncode, done.stderr
