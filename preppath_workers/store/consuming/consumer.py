"""One worker's view of a queue: settles the last job of its slot and fetches the next, in one round trip.

While there is work, one script does both. On an empty queue, two commands are sent in one packet: a pop that
blocks until it has moved a job into the slot's active list, and a claim that starts this job. If the answer
to one of them is lost, the next claim returns the same job, because it is still in the active list.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from time import monotonic
from typing import Any

from redis.exceptions import ResponseError

from ...config.model import Config, QueueConfig
from ..durations import AttemptTimes
from ..job import Job
from ..job_id import is_valid_id
from ..keys import Keys
from ..refusals import is_too_large
from ..scripts import SERVER_TIME
from ..values import milliseconds
from .outcome import Cancelled, Completed, Failed, Finished, Recovered, Settlement, Wait, settlement
from .paid_calls import PaidCalls
from .running_job import RunningJob
from .slot_connection import NEVER, SlotConnection, no_beat

#: Seconds that one pop blocks on an empty queue: long, so that idle workers send few commands.
BLOCK = 12

#: Seconds after an empty claim in which the next fetch may be a blocking pop. The claim has registered the
#: instance, so a janitor finds a job that the pop moves into the slot.
_FRESH = 5.0

#: How long after an instance's last sign of life one of its pops may still move a job (ms), with a margin.
LONGEST_POP_MS = round((BLOCK + _FRESH) * 1500)

#: Seconds for any answer. Above BLOCK, or an idle queue would look like a dead server.
ANSWER_TIMEOUT = BLOCK + 3.0

#: The attempts whose times are counted, by their outcome.
_COUNTED = {Completed: "completed", Failed: "failed"}

_VERDICTS = ("completed", "reopened", "delayed", "dead", "released", "cancelled", "lost", "gone")


class Consumer:
    """Consumes jobs in one slot of a queue: `<instance>:<number>`. Not to be shared.

    Any method may raise redis.RedisError. The connection is closed then; the next call opens a new one and
    continues.
    """

    def __init__(
        self,
        config: Config,
        queue: QueueConfig,
        instance: str,
        number: int,
        beat: Callable[..., None] = no_beat,
        now: str = SERVER_TIME,
        chance: Callable[[], float] = random.random,
        connection: SlotConnection | None = None,
    ) -> None:
        """`beat`: see SlotConnection. `chance` returns the fraction, 0 to 1, of the longest jitter that is
        added to a backoff; `now` and `connection` are for tests."""
        self.worker_id = f"{instance}:{number}"
        self._queue = queue
        self._keys = Keys(config.redis.prefix, queue.name)
        self._connection = connection or SlotConnection(
            config.redis.url, ANSWER_TIMEOUT, self._keys, now, beat
        )
        limit = queue.rate_limit
        rate_limit = (limit.max, milliseconds(limit.duration)) if limit else (0, 0)
        self._paid_calls = PaidCalls(self._connection)
        #: What the attempt at the fetched job may do.
        self.running_job = RunningJob(
            self._connection, self._paid_calls, self.worker_id, rate_limit, config.redis.checkpoint
        )
        self._chance = chance
        self._jitter = config.backoff_jitter
        self._outage_terms = (milliseconds(config.probe_interval), milliseconds(config.outage_patience))
        self._retention = (milliseconds(config.keep_completed_seconds), config.keep_completed_count)
        # The commands that are always the same, made once.
        terms = (milliseconds(config.lease), *rate_limit, milliseconds(config.probe_interval))
        self._claim = self._connection.words("claim", instance, number, *terms)
        self._settle_and_fetch = self._connection.start(
            "settle_and_fetch", self.worker_id, *self._retention, *terms
        )
        self._pop = ("BRPOPLPUSH", self._keys.wait, self._keys.active(self.worker_id), str(BLOCK))
        self._unsettled: Finished | None = None
        self._attempt_times = AttemptTimes()
        #: The words that count how long the unsettled attempt waited and ran.
        self._times: tuple[str, ...] = ()
        #: The claim's answer, or its job, if it came together with the settlement.
        self._fetched: list[Any] | Job | None = None
        self._popping = False
        #: Whether the last `settle_and_fetch` script failed.
        self._has_failed = False

    def recover(self) -> Recovered:
        """Requeue the jobs that a dead worker held in this slot, and count the death."""
        held = ("LRANGE", self._keys.active(self.worker_id), "0", "-1")
        recover = self._connection.words("recover", self.worker_id, "1", self._queue.recoveries)
        self._connection.send([held, recover])
        ids, answer = self._connection.receive(may_be_empty=True), self._connection.receive()
        if len(answer) != 2:
            raise self._connection.unknown(answer)
        dead = [Job.from_reply(self._queue.name, fields) for fields in answer[1]]
        buried = {job.id for job in dead}
        # A raw push has no id yet.
        return Recovered([each for each in ids if is_valid_id(each) and each not in buried], dead)

    def requeue(self) -> int:
        """Requeue the jobs that this slot holds, without counting the attempt; return how many."""
        return int(self._connection.call("recover", self.worker_id, "0", self._queue.recoveries)[0])

    def settle_and_fetch(self, finished: Finished | None = None) -> Settlement | None:
        """Settle the finished job and request the next; return the settlement without waiting for the next
        job.

        If the job could not be settled, the next call settles it first.
        """
        self._take(finished)
        self._paid_calls.store()
        self._fetched = None
        self._popping = not self._unsettled and monotonic() < self._connection.idle_since + _FRESH
        self._connection.idle_since = NEVER
        if not self._unsettled:
            self._connection.send([self._pop, self._claim] if self._popping else [self._claim])
            return None
        outcome = self._unsettled.outcome
        # If one half of the script fails (a key was edited by hand), the answer of the other half is lost. So
        # after a failure, two scripts are sent.
        if isinstance(outcome, Completed) and not self._has_failed:
            self._has_failed = True
            job = self._unsettled.job
            words = (job.id, job.fencing_token, outcome.result, *self._times)
            self._connection.send_packed(self._settle_and_fetch.with_words(words))
            answer = self._receive_verdict(may_be_text=True)
            if type(answer) is str:  # without a verdict: the job is completed
                self._fetched, verdict = self._first_started(answer), "completed"
            else:
                self._fetched, verdict = answer, answer.pop()
            self._has_failed = False
            return self._settlement(verdict)
        self._has_failed = False
        self._connection.send([self._settle_words(self._unsettled), self._claim])
        return self._settlement(*self._receive_verdict())

    def next_job(self) -> Job | Wait | None:
        """Return the next job; None if there was none for up to BLOCK seconds."""
        refusal = self._connection.receive_pop() if self._popping else None
        answer = self._connection.receive(may_be_text=True) if self._fetched is None else self._fetched
        if isinstance(answer, Job):
            return answer
        if type(answer) is str:
            return self._first_started(answer)
        try:
            kind = answer[0]
            if kind == "job":
                return Job.from_reply(self._queue.name, answer[1])
            if kind == "wait":
                return Wait(int(answer[1]) / 1000)
        except (IndexError, KeyError, TypeError, ValueError) as error:
            raise self._connection.unknown(answer) from error
        if kind != "none":
            raise self._connection.unknown(answer)
        self._connection.idle_since = monotonic()
        if refusal:
            raise refusal
        return None

    def settle(self, finished: Finished | None = None) -> Settlement | None:
        """Settle the finished job, or one that is still unsettled, without fetching another."""
        self._take(finished)
        self._paid_calls.store()
        if not self._unsettled:
            return None
        self._connection.send([self._settle_words(self._unsettled)])
        return self._settlement(*self._receive_verdict())

    def disconnect(self) -> None:
        """Close the connection; pending answers are lost."""
        self._connection.disconnect()

    def _take(self, finished: Finished | None) -> None:
        """Settle this attempt next, if there is one. It may be the one that could not be settled."""
        if finished and finished is not self._unsettled:
            self._unsettled = finished
            self._times = self._count_times(finished)

    def _count_times(self, finished: Finished) -> tuple[str, ...]:
        """Return the words that count how long the attempt waited and ran. Call it once an outcome."""
        if not (outcome := _COUNTED.get(type(finished.outcome))):
            return ()
        return self._attempt_times.words(outcome, finished.job.wait_ms or 0, finished.duration_ms)

    def _settle_words(self, finished: Finished) -> tuple[str, ...]:
        job, outcome = finished.job, finished.outcome
        held = (job.id, self.worker_id, job.fencing_token)
        if isinstance(outcome, Completed):
            return self._connection.words("complete", *held, outcome.result, *self._retention, *self._times)
        if isinstance(outcome, Failed):
            failure = (outcome.error, outcome.kind, outcome.service, outcome.words)
            queue, jitter = self._queue, f"{self._jitter * self._chance():.4f}"
            backoff = (queue.retries, milliseconds(queue.backoff), milliseconds(queue.backoff_max), jitter)
            delays = (*backoff, outcome.retry_after_ms, *self._outage_terms)
            return self._connection.words("retry", *held, *failure, *delays, *self._times)
        if isinstance(outcome, Cancelled):
            return self._connection.words("end_cancelled", *held)
        return self._connection.words(
            *("release", *held, outcome.hold_ms, outcome.reason, outcome.delay_ms),
            *(outcome.lacking, outcome.capped),
        )

    def _first_started(self, text: str) -> Job:
        try:
            return Job.first_started(self._queue.name, self.worker_id, text)
        except ValueError as error:
            raise self._connection.unknown(text) from error

    def _receive_verdict(self, may_be_text: bool = False) -> Any:
        try:
            return self._connection.receive(may_be_text=may_be_text)
        except ResponseError as error:
            if self._unsettled and is_too_large(error):
                self._unsettled.make_too_large()  # the next call can settle this
                self._times = self._count_times(self._unsettled)
            raise

    def _settlement(self, verdict: Any, *detail: Any) -> Settlement:
        if verdict not in _VERDICTS:
            raise self._connection.unknown([verdict, *detail])
        finished, self._unsettled = self._unsettled, None
        assert finished is not None
        return settlement(finished, verdict, *detail) if detail else Settlement(finished, verdict)
