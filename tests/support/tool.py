"""Runs the main function of a tool."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import NoReturn

from preppath_workers.cli.terminal import run_with_output


def run_tool(main: Callable[[], int]) -> NoReturn:
    """Exit as `main` says, or with another code if its output cannot be written, also that of --help."""
    spec = sys.modules["__main__"].__spec__
    name = spec.name.removesuffix(".__main__") if spec else sys.argv[0]
    sys.exit(run_with_output(f"python -m {name}", main))
