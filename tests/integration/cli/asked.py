"""Commands that ask the user at a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Mapping

from tests.support.process import ROOT


def answered(answer: bytes, environment: Mapping[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command whose standard input is a terminal, at which this is typed."""
    terminal, its_end = pty.openpty()
    try:
        os.write(terminal, answer)
        return subprocess.run(
            [ROOT / "bin/preppath-workers", *words],
            env={**os.environ, **environment},
            stdin=its_end,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    finally:
        os.close(terminal)
        os.close(its_end)
