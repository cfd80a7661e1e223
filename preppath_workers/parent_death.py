"""Ends forked processes whose parent dies, and reaps zombies inherited as process 1 of a container."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable, Collection

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
        if is_orphaned(parent):  # the parent died before prctl took effect
            os._exit(1)

    return prepare


def is_orphaned(parent: int) -> bool:
    """Return whether `parent` is no longer the parent process. Systems other than Linux need this check."""
    return os.getppid() != parent


def reap_zombies(own: Collection[int | None]) -> None:
    """Reap ended processes except `own`, the process ids that the caller waits for itself.

    Process 1 of a container inherits the orphaned processes of the container.
    """
    while True:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except OSError:  # usually ECHILD: there are no child processes
            return
        # waitid returns one of `own` first: the caller reads its exit code, the others are reaped next time.
        if ended is None or ended.si_pid in own:
            return
        os.waitpid(ended.si_pid, os.WNOHANG)
