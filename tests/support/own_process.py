"""Run a part of a test in a process of its own: signal handlers and timers are a process's."""

from __future__ import annotations

import os
from collections.abc import Callable


def exit_code_of(body: Callable[[], int]) -> int:
    """Fork a process that runs the body and ends with what it returns; return its exit code, 99 if it
    raised."""
    if not (pid := os.fork()):
        code = 99
        try:
            code = body()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
