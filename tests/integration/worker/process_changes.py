"""What a handler may change in its process, as libraries with time limits of their own do."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Callable
from typing import Any, cast

_OF_A_WORKER = (signal.SIGALRM, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGCHLD)


def _set_all(disposition: signal.Handlers) -> None:
    for number in _OF_A_WORKER:
        signal.signal(number, disposition)


def _close_standard_files() -> None:
    os.closerange(0, 3)


def _remove_streams() -> None:
    sys.stdout, sys.stderr = cast("Any", None), cast("Any", io.StringIO())
    sys.stderr.close()


#: What a handler may do to the standard streams.
STREAMS: dict[str, Callable[[], object]] = {
    "close standard files": _close_standard_files,
    "remove streams": _remove_streams,
}

CHANGES: dict[str, Callable[[], object]] = {
    "ignore signals": lambda: _set_all(signal.SIG_IGN),
    "reset signals": lambda: _set_all(signal.SIG_DFL),
    "block signals": lambda: signal.pthread_sigmask(signal.SIG_BLOCK, _OF_A_WORKER),
    "stop the timer": lambda: signal.alarm(0),
    "set the timer": lambda: signal.setitimer(signal.ITIMER_REAL, 1_000),
}
