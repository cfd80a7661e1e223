"""Helpers for tests of your own jobs.

`FakeContext` is a context without a queue, `run_job` makes one attempt at a job, and `drain` runs a queue's
jobs in the test's process, without workers.
"""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn, TypeVar

from hiredis import Reader
from redis.exceptions import NoScriptError

from .clients.countable import countable
from .clients.usage import Payment, Usage
from .clients.vendor_limits import VendorLimit
from .config.load import load
from .config.model import QueueConfig
from .errors import JobLost, PermanentError
from .queue import Queue, encode_data
from .registry import JobType
from .store.connections.connection import ENCODING_ERRORS
from .store.consuming.consumer import Consumer
from .store.consuming.outcome import Finished
from .store.consuming.slot_connection import SlotConnection
from .store.job import Job
from .store.scripts import SERVER_TIME, scripts
from .worker.attempt.arguments import percentage, snoozed
from .worker.attempt.encoding import encode_result, encode_step
from .worker.attempt.execution import WorkerContext, run
from .worker.attempt.failures import valid_text

Value = TypeVar("Value")

#: How often `drain` runs one job before it gives up.
_MOST_ATTEMPTS = 100


@dataclass
class FakeContext:
    """A JobContext without a queue, which records what the function does.

        context = FakeContext()
        make_thumbnail(context, Thumbnail("cat.png"))
        assert context.reported == [10]

    `checkpoints` holds the results of steps; `again()` returns the context of the next attempt, which has
    them. Set `lost` to make the next `check_lease` raise JobLost.
    """

    data: Mapping[str, Any] = field(default_factory=dict)
    id: str = "job-1"
    queue: str = "test"
    attempt: int = 1
    priority: int = 50
    traceparent: str | None = None
    time_left: float = math.inf
    #: The percentages and the stages that `progress` was called with.
    reported: list[float] = field(default_factory=list)
    stages: list[str] = field(default_factory=list)
    #: Results that `step` has stored.
    checkpoints: dict[str, Any] = field(default_factory=dict)
    #: Tokens acquired from the rate limit, not counting the one that starts the job.
    tokens: int = 0
    #: Whether another worker owns the job now.
    lost: bool = False
    lease_checks: int = 0
    #: The most that paid requests could use, and what they used.
    worst_cases: list[Usage] = field(default_factory=list)
    charges: list[Usage] = field(default_factory=list)

    def progress(self, percent: float, stage: str = "") -> None:
        """Record the percentage in `reported`, and the stage in `stages` if there is one. Raises ValueError
        as a worker does."""
        percentage(percent)
        self.reported.append(percent)
        if stage:
            self.stages.append(stage)

    def step(self, name: str, call: Callable[[], Value]) -> Value:
        """Return the result in `checkpoints`; without one, call and store the result, as JSON.

        Raises what the call raises, and what a worker raises for a result that it cannot store.
        """
        name = valid_text(name)
        if name not in self.checkpoints:
            self.checkpoints[name] = json.loads(encode_step(name, call()))
        value: Value = self.checkpoints[name]
        return value

    def keep(self, name: str, call: Callable[[], bytes], store: Callable[[bytes], None]) -> bytes:
        """Call, store the bytes once, and return them. Nothing is kept for the next attempt."""
        value = call()
        store(value)
        return value

    def acquire_token(self) -> None:
        """Count the token in `tokens`. Never waits."""
        self.tokens += 1

    @contextmanager
    def payment(self, worst_case: Usage) -> Iterator[Payment]:
        """Record the worst case in `worst_cases`, and what is charged in `charges`. No budget applies. Both
        raise ValueError for what cannot be counted, which a worker logs in a charge."""
        countable(worst_case)
        self.worst_cases.append(worst_case)
        yield _FakePayment(self.charges, f"call-{len(self.worst_cases)}")

    def check_lease(self) -> None:
        """Count the check in `lease_checks`. Raises JobLost if `lost` is set."""
        self.lease_checks += 1
        if self.lost:
            raise JobLost(f"job {self.id} belongs to another worker now")

    def snooze(self, seconds: float) -> NoReturn:
        """Raise Snooze, whose `seconds` a test can read."""
        raise snoozed(seconds)

    def not_found(self, message: str) -> NoReturn:
        """Raise PermanentError, as for a job that was added long ago."""
        raise PermanentError(message)

    def again(self) -> FakeContext:
        """Return the context of the next attempt at the same job."""
        return FakeContext(
            self.data,
            self.id,
            self.queue,
            self.attempt + 1,
            self.priority,
            self.traceparent,
            self.time_left,
            checkpoints=self.checkpoints,
        )


@dataclass
class _FakePayment:
    charges: list[Usage]
    id: str

    def charge(self, usage: Usage) -> None:
        countable(usage)
        self.charges.append(usage)

    def note_limits(self, limits: Sequence[VendorLimit]) -> None:
        """Ignore the limits."""


def run_job(
    job_type: JobType, data: Mapping[str, Any], *, context: FakeContext | None = None, services: Any = None
) -> Any:
    """Run one attempt as a worker does: the data is encoded, decoded and checked, the result is JSON.

    Args:
        context: records what the function does; its data is replaced by `data`.
        services: passed to the function as `services`.

    Raises what the function raises, and InvalidJob for data that doesn't fit its type.
    """
    context = context or FakeContext()
    context.data = json.loads(encode_data(data))
    return json.loads(encode_result(job_type.load()(context, services)))


def drain(queue: Queue, job_type: JobType, *, services: Any = None, delayed: bool = False) -> list[Job]:
    """Run the jobs of a queue in this process, one after the other, until no job may start.

    The rate limit and the time limit don't apply. The client may be fakeredis.

    Args:
        delayed: also run delayed jobs, such as retries, without waiting until they are due.

    Returns the jobs as they are at the end, one for each attempt, in the order of the attempts. Raises
    redis.RedisError, and RuntimeError if a job has run 100 times and is delayed again.
    """
    settings = replace(job_type.defaults, name=queue.name, rate_limit=None, services=())
    ended = []
    runs: Counter[str] = Counter()
    while True:
        attempts = _attempts(queue, settings, job_type, services)
        runs.update(attempts)
        ended += [job for job_id in attempts if (job := queue.get(job_id))]
        if not delayed or not (later := queue.jobs("delayed")):
            return ended
        for job in later:
            # Snoozes and machine errors are not counted, so its retries don't end.
            if runs[job.id] >= _MOST_ATTEMPTS:
                raise RuntimeError(f"job {job.id} has run {_MOST_ATTEMPTS} times and is delayed again")
            queue.promote(job.id)


def _attempts(queue: Queue, settings: QueueConfig, job_type: JobType, services: Any) -> list[str]:
    instance = f"drain-{os.getpid()}"
    config = load({"KEY_PREFIX": queue.keys.prefix}, [settings])
    consumer = Consumer(config, settings, instance, 0, connection=_ClientConnection(queue))
    handler = job_type.load()
    worker_context = WorkerContext(handler, services, consumer.running_job, hold=1.0, secrets=())
    ids = []
    consumer.settle_and_fetch()
    while isinstance(job := consumer.next_job(), Job):
        ids.append(job.id)
        try:
            finished = Finished(job, run(job, worker_context, nullcontext()), 0)
        except JobLost:
            finished = None
        consumer.settle_and_fetch(finished)
    consumer.requeue()
    queue.call("leave", instance)
    return ids


class _ClientConnection(SlotConnection):
    """The connection of a consumer whose commands are sent through the client of a queue."""

    def __init__(self, queue: Queue) -> None:
        super().__init__("redis://unused", 0.0, queue.keys, SERVER_TIME)
        self._queue = queue
        self._answers: list[Any] = []

    def send_packed(self, packed: bytes, commands: int = 1) -> None:
        reader = Reader(encoding="utf-8", errors=ENCODING_ERRORS)
        reader.feed(packed)
        self._answers = [self._answer(*reader.gets()) for _ in range(commands)]

    def receive(self, may_be_empty: bool = False, may_be_text: bool = False) -> Any:
        return self._answers.pop(0)

    def _answer(self, *words: str) -> Any:
        try:
            return self._queue.read(*words)
        except NoScriptError:
            text = next(script.text for script in scripts().values() if script.digest == words[1])
            return self._queue.read("EVAL", text, *words[2:])
