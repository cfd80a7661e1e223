"""Signals of a worker, as exceptions at safe points: SIGTERM while it waits, SIGALRM while a job runs."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from ...errors import JobCancelled, JobTimeout, Shutdown
from .signals import GROUP_SIGNALS

#: Seconds between two checks of a job's time limit. After it, each check raises JobTimeout, because Python
#: ignores an exception in a finalizer.
_TICK = 1.0

#: Seconds between two looks at the signal handlers while jobs follow each other at once: a look costs a tenth
#: of the shortest job.
_LOOK = 0.01


class StopRequest:
    """Handles SIGTERM, which asks a worker to stop: at once if it waits, else after its job.

    The worker waits inside `with` blocks. There a request raises Shutdown, also one that came before.
    Blocks must not be nested.
    """

    def __init__(self) -> None:
        #: Whether the worker must not take another job.
        self.is_requested = False
        self._waiting = False

    def __enter__(self) -> None:
        self._waiting = True
        if self.is_requested:
            self._waiting = False
            raise Shutdown

    def __exit__(self, *_: object) -> None:
        self._waiting = False

    def on_signal(self, _number: int, _frame: FrameType | None) -> None:
        """Note the request. Raises Shutdown if the worker waits."""
        self.is_requested = True
        if self._waiting:
            self._waiting = False
            raise Shutdown


class Deadline:
    """Handles SIGALRM, which interrupts a job that exceeds its time limit or is cancelled.

    Inside a `with` block JobTimeout is raised after `seconds`, and again each second until the block ends;
    likewise JobCancelled. The supervisor sends a SIGALRM of its own when jobs are cancelled.
    """

    def __init__(
        self,
        seconds: float,
        each_second: Callable[[], None],
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        """Prepare the time limit. `each_second` is called from the signal handler while a job runs, and
        `is_cancelled` tells whether the job has to end."""
        self._seconds = seconds
        self._each_second = each_second
        self._is_cancelled = is_cancelled
        #: When the current job's time limit ends (s, monotonic).
        self._ends_at = 0.0
        self._in_job = False
        #: Whether it has interrupted a job, at whatever instruction: a lock may be held for good.
        self.has_interrupted = False

    def __enter__(self) -> None:
        self._ends_at = time.monotonic() + self._seconds
        self._in_job = True
        # The timer keeps running between jobs, unless one has stopped or set it, and stops at a tick without
        # a job: to look at it costs less than to set it.
        if self._seconds < _TICK or signal.getitimer(signal.ITIMER_REAL)[1] != _TICK:
            signal.setitimer(signal.ITIMER_REAL, min(self._seconds, _TICK), _TICK)

    def __exit__(self, *_: object) -> None:
        self._in_job = False

    def disarm(self) -> None:
        """Stop raising JobTimeout. Call this after catching one, which may have been raised in `__exit__`."""
        self._in_job = False

    def on_signal(self, _number: int, _frame: FrameType | None) -> None:
        """Raise JobTimeout or JobCancelled if the job has to end, else call `each_second`."""
        if not self._in_job:
            signal.setitimer(signal.ITIMER_REAL, 0)
            return
        is_cancelled, left = self._is_cancelled(), self._ends_at - time.monotonic()
        if is_cancelled or left <= 0:
            self.has_interrupted = True
            reason = "the job is cancelled" if is_cancelled else "the job exceeded its time limit"
            raise (JobCancelled if is_cancelled else JobTimeout)(reason)
        if left < _TICK:
            signal.setitimer(signal.ITIMER_REAL, left, _TICK)
        self._each_second()


class SignalState:
    """A worker's signal handlers and mask, which jobs may change."""

    def __init__(self, stop: StopRequest, deadline: Deadline) -> None:
        """Signals to the whole process group are ignored: the supervisor handles them."""
        self._looked_at = 0.0
        self._handlers: dict[signal.Signals, Any] = {
            **dict.fromkeys((*GROUP_SIGNALS, signal.SIGUSR1), signal.SIG_IGN),
            signal.SIGTERM: stop.on_signal,
            signal.SIGALRM: deadline.on_signal,
            # What subprocesses and connections need.
            signal.SIGCHLD: signal.SIG_DFL,
            signal.SIGPIPE: signal.SIG_IGN,
        }

    def install(self) -> None:
        """Install the handlers, and unblock all signals: the supervisor blocks its own before it forks."""
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())

    def restore(self, is_busy: bool) -> list[str]:
        """Undo what a job has changed. Returns the signals' names. Soon after the last call a worker that
        `is_busy` does nothing."""
        now = time.monotonic()
        if is_busy and now - self._looked_at < _LOOK:
            return []
        self._looked_at = now
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        changed = [
            number.name
            for number, handler in self._handlers.items()
            if number in blocked or signal.getsignal(number) != handler
        ]
        if changed:
            self.install()
        return changed
