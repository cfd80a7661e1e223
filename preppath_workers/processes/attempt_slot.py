"""A worker's slot as one attempt may use it: from any thread, and only as long as the attempt lasts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from ..errors import JobLost
from ..queue.job import Job
from ..queue.slot import Slot

Value = TypeVar("Value")


class AttemptSlot:
    """The slot's methods that are about a running job. A handler may start threads, and two on one connection
    would read each other's answers. After `close` they raise JobLost: a thread that a handler has left behind
    would write into the middle of a later job."""

    def __init__(self, slot: Slot) -> None:
        self._slot = slot
        self._lock = threading.Lock()
        self._is_closed = False

    def progress(self, job: Job, percent: int) -> None:
        self._alone(lambda: self._slot.progress(job, percent))

    def checkpoint(self, job: Job, name: str, value: str) -> None:
        self._alone(lambda: self._slot.checkpoint(job, name, value))

    def spend(self, job: Job) -> float:
        return self._alone(lambda: self._slot.spend(job))

    def confirm(self, job: Job) -> None:
        self._alone(lambda: self._slot.confirm(job))

    def close(self) -> None:
        """Returns when a call that is under way in another thread has its answer."""
        self._is_closed = True
        with self._lock:
            pass

    def _alone(self, call: Callable[[], Value]) -> Value:
        with self._lock:
            if self._is_closed:
                raise JobLost("the attempt has ended")
            return call()
