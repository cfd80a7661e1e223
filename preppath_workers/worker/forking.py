"""A child process of multiprocessing that inherits nothing of its siblings.

Multiprocessing opens two pipes for each child. Each later child inherits their ends, and when the system
refuses the fork they stay open. Neither is needed: the kernel tells us of a child's end by SIGCHLD, and the
child of ours by PR_SET_PDEATHSIG.
"""

from __future__ import annotations

import os
from multiprocessing import popen_fork
from multiprocessing.context import ForkProcess
from multiprocessing.process import BaseProcess


class Child(ForkProcess):
    """A ForkProcess without a sentinel: `join` takes no timeout. `start` raises OSError if the system refuses
    the fork, and has opened nothing then."""

    @staticmethod
    def _Popen(process_obj: BaseProcess) -> _Fork:  # noqa: N802
        return _Fork(process_obj)


class _Fork(popen_fork.Popen):
    def _launch(self, process_obj: BaseProcess) -> None:
        self.sentinel = -1
        self.pid = os.fork()
        if self.pid == 0:
            code = 1
            try:
                code = process_obj._bootstrap()  # type: ignore[attr-defined]
            finally:
                os._exit(code)
