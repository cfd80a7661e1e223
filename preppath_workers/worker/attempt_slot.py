"""A worker's slot as one attempt may use it: from any thread, and only as long as the attempt lasts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from ..errors import JobLost
from ..store.consumer import Consumer
from ..store.job import Job

Value = TypeVar("Value")


class AttemptSlot:
    """The slot's methods that are about a running job. A handler may start threads, and two on one connection
    would read each other's answers. After `close` they raise JobLost: a thread that a handler has left behind
    would write into the middle of a later job."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer
        self._lock = threading.Lock()
        self._is_closed = False

    def progress(self, job: Job, percent: int) -> None:
        self._alone(lambda: self._consumer.progress(job, percent))

    def checkpoint(self, job: Job, name: str, value: str) -> None:
        self._alone(lambda: self._consumer.checkpoint(job, name, value))

    def spend(self, job: Job) -> float:
        return self._alone(lambda: self._consumer.acquire_token(job))

    def confirm(self, job: Job) -> None:
        self._alone(lambda: self._consumer.check_lease(job))

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
