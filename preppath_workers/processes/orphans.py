"""A child must not outlive its supervisor: nobody would stop it, replace it or renew its lease."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

#: From <sys/prctl.h>: the signal that a process gets when its parent dies.
_PR_SET_PDEATHSIG = 1


def die_with(parent: int) -> None:
    """The kernel kills this process when its parent is gone (Linux; see prctl(2))."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if is_orphan(parent):  # it died before we had asked
        os._exit(1)


def is_orphan(parent: int) -> bool:
    """Whether the parent is gone: on other systems than Linux the loops look for themselves."""
    return os.getppid() != parent
