"""The part of a worker's consumer that a running attempt may use, from any thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from ...clients.vendor_limits import VendorLimit
from ...config.durability import Shortfall
from ...errors import JobLost
from ...store.consuming.consumer import Consumer
from ...store.job import Job

Value = TypeVar("Value")


class AttemptConsumer:
    """The consumer's methods for the running job, one call at a time.

    A handler may start threads, and two threads on one connection would read each other's answers. For any
    other job than the running one every method raises JobLost, so that a thread that outlives its attempt
    cannot interfere with the worker's next job.
    """

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer
        self._lock = threading.Lock()
        self._running: Job | None = None

    def begin(self, job: Job) -> None:
        """Begin an attempt at the job: the methods take no other job until the next one begins."""
        self._running = job

    def end(self) -> None:
        """End the attempt: threads that the handler left running get JobLost from now on.

        Returns after any call in progress in another thread has its answer.
        """
        self._running = None
        with self._lock:
            pass

    def progress(self, job: Job, percent: float, stage: str) -> None:
        """Store the job's progress."""
        self._while_running(job, lambda: self._consumer.progress(job, percent, stage))

    def checkpoint(self, job: Job, name: str, value: str) -> Shortfall | None:
        """Store a step's result with the job. Returns which copies of it are missing."""
        return self._while_running(job, lambda: self._consumer.checkpoint(job, name, value))

    def open_call(self, job: Job, call_id: str, call: str, at: str = "", *warnings: str) -> int:
        """Store that a paid request is about to be sent; return its time (ms)."""
        return self._while_running(job, lambda: self._consumer.open_call(job, call_id, call, at, *warnings))

    def close_call(self, job: Job, call: str, store: bool) -> None:
        """Keep what a paid request cost, also after the end of the attempt; `store` it at once, or with the
        next checkpoint."""
        with self._lock:
            self._consumer.close_call(job.id, call)
            if store and self._running is job:
                self._consumer.store_calls()

    def store_calls(self, job: Job) -> None:
        """Store what paid requests cost, if that is still to be done."""
        self._while_running(job, self._consumer.store_calls)

    def note_vendor_limits(self, job: Job, age: float, used: int, limits: Sequence[VendorLimit]) -> None:
        """Store what a vendor told of its rate limits in the answer to a request sent `age` seconds ago."""
        told = [(each.name, each.limit, each.remaining, each.reset) for each in limits]
        self._while_running(job, lambda: self._consumer.note_vendor_limits(age, used, told))

    def acquire_token(self, job: Job) -> float:
        """Acquire a rate-limit token, or return the seconds until one is free."""
        return self._while_running(job, lambda: self._consumer.acquire_token(job))

    def check_lease(self, job: Job) -> None:
        """Raise JobLost if another worker owns the job now."""
        self._while_running(job, lambda: self._consumer.check_lease(job))

    def _while_running(self, job: Job, call: Callable[[], Value]) -> Value:
        with self._lock:
            if self._running is not job:
                raise JobLost("the attempt has ended")
            return call()
