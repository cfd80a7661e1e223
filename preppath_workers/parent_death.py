"""Processes whose parent is gone. Ours leave none behind, for nobody would stop or replace them; and those of
others are waited for."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable, Collection

#: From <sys/prctl.h>: the signal that a process gets when its parent dies.
_PR_SET_PDEATHSIG = 1


def set_pdeathsig(number: signal.Signals = signal.SIGKILL) -> Callable[[], None]:
    """Made before a fork, called first thing in the child: the kernel sends the child the signal when this
    process is gone (Linux; see prctl(2)). It is kept when the child executes a program."""
    parent = os.getpid()
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def prepare() -> None:
        if libc:
            libc.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if is_orphaned(parent):  # it died before we had asked
            os._exit(1)

    return prepare


def is_orphaned(parent: int) -> bool:
    """Whether the parent is gone: on other systems than Linux the loops look for themselves."""
    return os.getppid() != parent


def reap_zombies(own: Collection[int | None]) -> None:
    """Clears away ended processes that are not our `own` children: the first process of a container is given
    what others there leave behind."""
    while True:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except OSError:  # no child at all, mostly
            return
        # One of our own stands first in line: it is waited for where its exit code counts, and we look again.
        if ended is None or ended.si_pid in own:
            return
        os.waitpid(ended.si_pid, os.WNOHANG)
