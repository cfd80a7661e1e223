"""Forking and reaping: a multiprocessing child process that inherits no pipes of its siblings.

multiprocessing opens two pipes per child process. Later child processes inherit them, and a failed fork leaks
them. Neither pipe is needed: SIGCHLD reports the end of a child process, PR_SET_PDEATHSIG that of its parent.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from multiprocessing import parent_process, popen_fork
from multiprocessing.context import ForkProcess
from multiprocessing.process import BaseProcess


class Child(ForkProcess):
    """A ForkProcess without a sentinel, so `join` takes no timeout.

    `start` raises OSError if the fork fails, and leaks no descriptors.
    """

    @staticmethod
    def _Popen(process_obj: BaseProcess) -> _Fork:  # noqa: N802 — multiprocessing's name
        return _Fork(process_obj)


class _Fork(popen_fork.Popen):
    def _launch(self, process_obj: BaseProcess) -> None:
        self.sentinel = -1
        self.pid = os.fork()
        if self.pid == 0:
            code = 1
            try:
                code = process_obj._bootstrap()  # type: ignore[attr-defined] # as popen_fork.Popen does
            finally:
                os._exit(code)


def is_orphaned() -> bool:
    """Return whether the process that forked this one is dead. Systems other than Linux need this check."""
    # Not the parent at the first call: the supervisor may be dead by then.
    parent = parent_process()
    return parent is not None and os.getppid() != parent.pid


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
