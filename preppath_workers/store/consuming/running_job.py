"""What a running attempt may do with its job in Redis, from any thread, while its slot owns the job."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from redis.exceptions import RedisError

from ...config.durability import Durability, Shortfall
from ...errors import JobCancelled, JobGone, JobLost
from ..job import Job
from ..values import milliseconds
from .paid_calls import PaidCalls
from .slot_connection import SlotConnection


class RunningJob:
    """The job that a slot runs; one call at a time.

    A handler may start threads, and two threads on one connection would read each other's answers. For any
    other job than the running one every method raises JobLost, so that a thread that outlives its attempt
    cannot interfere with the worker's next job. Any method may also raise redis.RedisError.
    """

    def __init__(
        self,
        connection: SlotConnection,
        paid_calls: PaidCalls,
        worker_id: str,
        rate_limit: tuple[int, int],
        durability: Durability | None,
    ) -> None:
        """`rate_limit`: starts, and the window in ms. `durability`: what must confirm a checkpoint."""
        self._connection = connection
        self._paid_calls = paid_calls
        self._worker_id = worker_id
        self._rate_limit = rate_limit
        self._durability = durability
        self._lock = threading.Lock()
        self._job: Job | None = None

    def begin(self, job: Job) -> None:
        """Begin an attempt at the job: the methods take no other job until the next one begins."""
        self._job = job

    def end(self) -> None:
        """End the attempt: threads that the handler left running get JobLost from now on.

        Returns after any call in progress in another thread has its answer.
        """
        self._job = None
        with self._lock:
            pass

    def progress(self, job: Job, percent: float, stage: str = "") -> None:
        """Store the job's progress."""
        with self._lock:
            self._call("progress", job, f"{percent:g}", stage)

    def checkpoint(self, job: Job, name: str, value: str) -> Shortfall | None:
        """Store a step's result (JSON), and what it cost; return which copies are missing."""
        with self._lock:
            self._check_running(job)
            calls = self._paid_calls.of(job.id)
            try:
                self._call("checkpoint", job, name, value, *calls)
            except (JobLost, JobCancelled):
                self._paid_calls.forget(calls)
                raise
            self._paid_calls.forget(calls)
            if not self._durability:
                return None
            with self._connection.bounded_by_python():
                return self._connection.confirm(self._durability)

    def open_call(self, job: Job, call_id: str, call: str, at: str = "", *warnings: str) -> int:
        """Store that a paid request is about to be sent (`open_call.lua`); return its time, ms. After JobLost
        the request must not be sent."""
        with self._lock:
            return int(self._call("open_call", job, call_id, call, at, *warnings)[1])

    def close_call(self, job: Job, call: str, store: bool) -> None:
        """Keep what a paid request cost (JSON), also after the end of the attempt; `store` it at once, or
        with the next checkpoint."""
        with self._lock:
            self._paid_calls.add(job.id, call)
            if store and self._job is job:
                self._paid_calls.store()

    def store_calls(self, job: Job) -> None:
        """Store what paid requests cost, if that is still to be done."""
        with self._lock:
            self._check_running(job)
            self._paid_calls.store()

    def acquire_token(self, job: Job) -> float:
        """Acquire a further token of the rate limit; return the seconds to wait before calling again, 0 if
        it is acquired."""
        with self._lock:
            _, *wait_ms = self._call("acquire_token", job, *self._rate_limit)
        return int(wait_ms[0]) / 1000 if wait_ms else 0.0

    def acquire_model_tokens(self, job: Job, amount: int, limit: int, longest: float) -> tuple[float, bool]:
        """Acquire tokens of the limit a minute. Return the seconds to wait before the request is sent, and
        whether they are acquired: not if the wait is longer than `longest`."""
        with self._lock:
            self._check_running(job)
            with self._connection.bounded_by_python():
                is_acquired, wait_ms, *_ = self._connection.call(
                    "acquire_model_tokens", amount, limit, milliseconds(longest)
                )
        return int(wait_ms) / 1000, bool(is_acquired)

    def settle_model_tokens(self, job: Job, amount: int, limit: int, used: int) -> None:
        """Correct the estimate of a request's tokens by what it used."""
        with self._lock:
            self._check_running(job)
            with self._connection.bounded_by_python():
                self._connection.call("settle_model_tokens", amount, limit, used)

    def note_vendor_limits(
        self, job: Job, age: float, used: int, limits: Sequence[tuple[str, int, int, float]]
    ) -> None:
        """Store a vendor's rate limits, for all workers: name, limit, what remains, seconds until it is all
        back. The request that was answered was sent `age` seconds ago and used `used` tokens."""
        words = [
            word for name, limit, left, reset in limits for word in (name, limit, left, milliseconds(reset))
        ]
        with self._lock:
            self._check_running(job)
            with self._connection.bounded_by_python():
                self._connection.call(
                    "note_vendor_limits", milliseconds(age), used, *self._rate_limit, *words
                )

    def check_lease(self, job: Job) -> None:
        """Raise JobLost if another worker owns the job now, or Redis no longer has it."""
        with self._lock:
            self._call("check_lease", job)

    def is_owned(self, job: Job) -> bool:
        """Whether the job is still the caller's and not cancelled; False also if Redis cannot tell."""
        try:
            self.check_lease(job)
        except (JobLost, JobCancelled, RedisError):
            return False
        return True

    def _check_running(self, job: Job) -> None:
        if self._job is not job:
            raise JobLost("the attempt has ended")

    def _call(self, name: str, job: Job, *arguments: str | int) -> list[Any]:
        self._check_running(job)
        with self._connection.bounded_by_python():
            answer: list[Any] = self._connection.call(
                name, job.id, self._worker_id, job.fencing_token, *arguments
            )
        if answer[0] == "gone":
            raise JobGone(f"job {job.id} is gone from Redis")
        if answer[0] == "lost":
            raise JobLost(f"job {job.id} belongs to another worker now")
        if answer[0] == "cancelled":
            raise JobCancelled(f"job {job.id} is cancelled")
        return answer
