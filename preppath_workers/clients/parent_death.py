"""Ends forked processes whose parent dies: workers with their supervisor, ffmpeg with its worker."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

#: prctl(2): sets the signal that the kernel sends to a process when its parent dies.
_PR_SET_PDEATHSIG = 1


def set_pdeathsig(number: signal.Signals = signal.SIGKILL) -> Callable[[], None]:
    """Return a function for the first instruction after a fork: the kernel then sends the forked process the
    signal `number` when this process dies.

    Call this before the fork. The setting survives exec. On systems other than Linux, only a parent that is
    already dead is detected.
    """
    parent = os.getpid()
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def prepare() -> None:
        if libc:
            libc.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:  # the parent died before prctl took effect
            os._exit(1)

    return prepare
