"""How signals reach a worker: they are recorded, and raised as exceptions only where that is safe."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import FrameType

from ..errors import JobTimeout, Shutdown
from .inbox import EVERYBODYS

#: Seconds between two looks at a job's time, and so between two tries to interrupt one that is over it: the
#: first exception may have been raised where Python swallows it, in a finaliser say.
_LOOK = 1.0


class _Block:
    """A context manager of two functions, made once. A generator's, made anew at each use, costs a
    microsecond more."""

    def __init__(self, enter: Callable[[], None], leave: Callable[[], None]) -> None:
        self._enter, self._leave = enter, leave

    def __enter__(self) -> None:
        self._enter()

    def __exit__(self, *_: object) -> None:
        self._leave()


class Interrupts:
    """The signals of a worker.

    SIGTERM asks it to stop: between jobs at once, during a job after it. SIGALRM ends a job that is over its
    time. What a terminal sends to everybody is the supervisor's business alone.
    """

    def __init__(self, each_second: Callable[[], None] = lambda: None) -> None:
        """`each_second` is called while a job runs, in the midst of whatever it does."""
        self._each_second = each_second
        self._stop_asked = False
        self._waiting = False
        self._wait = _Block(self._begin_wait, self._end_wait)
        #: Seconds that the next or the current job may take, and when its time is over (s, monotonic).
        self._allowed = self._ends_at = 0.0
        self._in_job = False
        self._job = _Block(self._begin_job, self.disarm)
        #: Whether SIGALRM comes at least once a second.
        self._ticking = False

    def install(self) -> None:
        """Takes over the process's signals, which the supervisor had blocked before the fork."""
        signal.signal(signal.SIGTERM, self._on_stop)
        signal.signal(signal.SIGALRM, self._on_alarm)
        for ignored in (*EVERYBODYS, signal.SIGUSR1):
            signal.signal(ignored, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())

    @property
    def stopping(self) -> bool:
        """Whether to take no further job: the supervisor asked for it."""
        return self._stop_asked

    def waiting(self) -> AbstractContextManager[None]:
        """Inside the block a request to stop raises Shutdown, also one that came before it."""
        return self._wait

    def deadline(self, seconds: float) -> AbstractContextManager[None]:
        """Inside the block JobTimeout is raised after so many seconds, and again until the block is left."""
        self._allowed = seconds
        return self._job

    def disarm(self) -> None:
        """No JobTimeout from here on. To be called again after one was caught: it may have been raised in the
        very moment in which the block was left."""
        self._in_job = False

    def _begin_wait(self) -> None:
        self._waiting = True
        if self._stop_asked:
            self._waiting = False
            raise Shutdown

    def _end_wait(self) -> None:
        self._waiting = False

    def _begin_job(self) -> None:
        self._ends_at = time.monotonic() + self._allowed
        self._in_job = True
        # The timer runs on from one job to the next and stops when it meets none: to set it for each job
        # would be three system calls, 5 of the 80 µs that a job without work costs.
        if not self._ticking or self._allowed < _LOOK:
            self._ticking = True
            signal.setitimer(signal.ITIMER_REAL, min(self._allowed, _LOOK), _LOOK)

    def _on_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stop_asked = True
        if self._waiting:
            self._waiting = False
            raise Shutdown

    def _on_alarm(self, _number: int, _frame: FrameType | None) -> None:
        if not self._in_job:
            self._ticking = False
            signal.setitimer(signal.ITIMER_REAL, 0)
            return
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise JobTimeout("the job ran longer than its queue allows")
        if left < _LOOK:
            signal.setitimer(signal.ITIMER_REAL, left, _LOOK)
        self._each_second()
