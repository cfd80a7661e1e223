"""How signals reach a worker: they are recorded, and raised as exceptions only where that is safe."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from ..errors import JobTimeout, Shutdown
from ..orphans import is_orphan
from .inbox import EVERYBODYS

#: Seconds between two looks at a job's time, and so between two tries to interrupt one that is over it: the
#: first exception may have been raised where Python swallows it, in a finaliser say.
_LOOK = 1.0


class Interrupts:
    """The signals of a worker.

    SIGTERM asks it to stop: between jobs at once, during a job after it. SIGALRM ends a job that is over its
    time. What a terminal sends to everybody is the supervisor's business alone.
    """

    def __init__(self, each_second: Callable[[], None] = lambda: None) -> None:
        """`each_second` is called while a job runs, in the midst of whatever it does."""
        self._parent = os.getppid()
        self._each_second = each_second
        self._ends_at = 0.0
        self._stop_asked = False
        self._waiting = False
        self._in_job = False

    def install(self) -> None:
        """Takes over the process's signals, which the supervisor had blocked before the fork."""
        signal.signal(signal.SIGTERM, self._on_stop)
        signal.signal(signal.SIGALRM, self._on_alarm)
        for ignored in (*EVERYBODYS, signal.SIGUSR1):
            signal.signal(ignored, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())

    @property
    def stopping(self) -> bool:
        """Whether to take no further job: the supervisor asked for it, or it is gone."""
        return self._stop_asked or is_orphan(self._parent)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Inside the block a request to stop raises Shutdown, also one that came before it."""
        self._waiting = True
        try:
            if self._stop_asked:
                raise Shutdown
            yield
        finally:
            self._waiting = False

    @contextmanager
    def deadline(self, seconds: float) -> Iterator[None]:
        """Inside the block JobTimeout is raised after so many seconds, and again until the block is left."""
        self._ends_at = time.monotonic() + seconds
        self._in_job = True
        signal.setitimer(signal.ITIMER_REAL, min(seconds, _LOOK), _LOOK)
        try:
            yield
        finally:
            self.disarm()

    def disarm(self) -> None:
        """No JobTimeout from here on. To be called again after one was caught: it may have been raised in the
        very moment in which the block was left."""
        self._in_job = False
        signal.setitimer(signal.ITIMER_REAL, 0)

    def _on_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stop_asked = True
        if self._waiting:
            self._waiting = False
            raise Shutdown

    def _on_alarm(self, _number: int, _frame: FrameType | None) -> None:
        if not self._in_job:
            return
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise JobTimeout("the job ran longer than its queue allows")
        if left < _LOOK:
            signal.setitimer(signal.ITIMER_REAL, left, _LOOK)
        self._each_second()
