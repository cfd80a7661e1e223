"""Signals: the supervisor's are blocked and fetched by its loop; a worker's are recorded, and raised where
safe."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from types import FrameType

from ..errors import JobTimeout, Shutdown

#: What a terminal, or whoever signals the whole process group, sends to everybody: the children ignore these.
GROUP_SIGNALS = (signal.SIGINT, signal.SIGHUP, signal.SIGTTIN, signal.SIGTTOU)

_BLOCKED = (signal.SIGTERM, signal.SIGCHLD, *GROUP_SIGNALS)


def block() -> None:
    """From here on the signals wait to be fetched."""
    # Whoever started us may have ignored SIGCHLD, and then no child's end would ever be told.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_BLOCK, _BLOCKED)


def wait(seconds: float) -> signal.Signals | None:
    """The next signal; None when none came within so many seconds."""
    received = signal.sigtimedwait(_BLOCKED, seconds)
    # Stopped, and continued after the time was over, CPython 3.11 returns a signal that nobody has sent.
    if received is None or received.si_signo not in _BLOCKED:
        return None
    return signal.Signals(received.si_signo)


#: Seconds between two looks at a job's time, and so between two tries to interrupt one that is over it: the
#: first exception may have been raised where Python swallows it, in a finaliser say.
_LOOK = 1.0


class StopRequest:
    """SIGTERM asks a worker to stop: between jobs at once, during a job after it.

    Inside a block of it the worker waits. There a request raises Shutdown, also one that came before. Blocks
    do not nest: the inner one's end would be the outer one's too.
    """

    def __init__(self) -> None:
        #: Whether to take no further job.
        self.was_made = False
        self._waiting = False

    def __enter__(self) -> None:
        self._waiting = True
        if self.was_made:
            self._waiting = False
            raise Shutdown

    def __exit__(self, *_: object) -> None:
        self._waiting = False

    def on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.was_made = True
        if self._waiting:
            self._waiting = False
            raise Shutdown


class Deadline:
    """SIGALRM ends a job that is over its time.

    Inside a block of it JobTimeout is raised after `seconds`, and again until the block is left.
    """

    def __init__(self, seconds: float, each_second: Callable[[], None]) -> None:
        """`each_second` is called while a job runs, in the midst of whatever it does."""
        self._seconds = seconds
        self._each_second = each_second
        #: When the current job's time is over (s, monotonic).
        self._ends_at = 0.0
        self._in_job = False
        #: Whether SIGALRM comes at least once a second.
        self._ticking = False

    def __enter__(self) -> None:
        self._ends_at = time.monotonic() + self._seconds
        self._in_job = True
        # The timer runs on from one job to the next and stops when it meets none: to set it for each job
        # would be three system calls, 5 of the 80 µs that a job without work costs.
        if not self._ticking or self._seconds < _LOOK:
            self._ticking = True
            signal.setitimer(signal.ITIMER_REAL, min(self._seconds, _LOOK), _LOOK)

    def __exit__(self, *_: object) -> None:
        self._in_job = False

    def disarm(self) -> None:
        """No JobTimeout from here on. To be called after one was caught: it may have been raised in the very
        moment in which the block was left."""
        self._in_job = False

    def on_signal(self, _number: int, _frame: FrameType | None) -> None:
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


def install(stop: StopRequest, deadline: Deadline) -> None:
    """Takes over the process's signals, which the supervisor had blocked before the fork. What a terminal
    sends to everybody is the supervisor's business alone."""
    signal.signal(signal.SIGTERM, stop.on_signal)
    signal.signal(signal.SIGALRM, deadline.on_signal)
    for ignored in (*GROUP_SIGNALS, signal.SIGUSR1):
        signal.signal(ignored, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
