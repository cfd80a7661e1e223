"""A multiprocessing child process that inherits no pipes of its siblings.

multiprocessing opens two pipes per child process. Later child processes inherit them, and a failed fork leaks
them. Neither pipe is needed: SIGCHLD reports the end of a child process, PR_SET_PDEATHSIG that of its parent.
"""

from __future__ import annotations

import os
from multiprocessing import popen_fork
from multiprocessing.context import ForkProcess
from multiprocessing.process import BaseProcess


class Child(ForkProcess):
    """A ForkProcess without a sentinel, so `join` takes no timeout.

    `start` raises OSError if the fork fails, and leaks no descriptors.
    """

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
