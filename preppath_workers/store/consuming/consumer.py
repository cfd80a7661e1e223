"""One worker's view of a queue: settles the last job of its slot and fetches the next, in one round trip.

While there is work, one script does both. On an empty queue two commands are sent in one packet: a pop that
blocks until it can move a job into the slot's active list, and a claim that starts it. A claim takes the job
from the active list, so if a pop's or a claim's answer is lost, the next claim returns the same job.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any

from hiredis import pack_command
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from ...config.durability import Shortfall
from ...config.model import Config, QueueConfig
from ...errors import JobCancelled, JobLost
from ...log import fields
from ..durations import AttemptTimes
from ..job import Job, is_valid_id
from ..keys import Keys
from ..refusals import code_of, is_refusal, is_server_wide, is_too_large
from ..scripts import SERVER_TIME, scripts
from .consumer_connection import Connection
from .outcome import Cancelled, Completed, Failed, Finished, Recovered, Settlement, Wait, settlement
from .script_loading import load_scripts

logger = logging.getLogger(__name__)

#: Seconds that one pop blocks on an empty queue: long, so that idle workers send few commands.
BLOCK = 12

#: Seconds after an empty claim in which the next fetch may be a blocking pop. The claim has registered the
#: instance, so a janitor finds a job that the pop moves into the slot.
_FRESH = 5.0

#: How long after its last sign of life a pop of an instance may still move a job (ms), with a margin.
LONGEST_POP_MS = round((BLOCK + _FRESH) * 1500)

#: Seconds for any answer. Above BLOCK, or an idle queue would look like a dead server.
ANSWER_TIMEOUT = BLOCK + 3.0

#: The attempts whose times are counted, by their outcome.
_COUNTED = {Completed: "completed", Failed: "failed"}

_NEVER = float("-inf")
_VERDICTS = ("completed", "reopened", "delayed", "dead", "released", "cancelled", "lost")


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
        now: str = SERVER_TIME,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`chance` returns the fraction, 0 to 1, of the longest jitter that is added to a backoff."""
        self.worker_id = f"{instance}:{number}"
        self._queue = queue
        self._keys = Keys(config.redis.prefix, queue.name)
        self._connection = Connection(config.redis.url, ANSWER_TIMEOUT, self._keys.base)
        self._durability = config.redis.checkpoint
        self._connected = False
        self._unread = 0
        self._now = now
        limit = queue.rate_limit
        self._limit = (limit.max, _ms(limit.duration)) if limit else (0, 0)
        self._chance = chance
        self._jitter = config.backoff_jitter
        self._outage_terms = (_ms(config.probe_interval), _ms(config.outage_patience))
        self._retention = (_ms(config.keep_completed_seconds), config.keep_completed_count)
        terms = (_ms(config.lease), *self._limit, _ms(config.probe_interval))
        self._claim = self._words("claim", instance, number, *terms)
        # The constant words of the command, made once because they are sent for every job.
        self._settle_and_fetch_words = self._words("settle_and_fetch", self.worker_id)
        self._settle_and_fetch_policy = tuple(map(str, (*self._retention, *terms)))
        self._pop = ("BRPOPLPUSH", self._keys.wait, self._keys.active(self.worker_id), str(BLOCK))
        self._unsettled: Finished | None = None
        #: Paid requests whose cost is to be stored: the job's id, and the call (JSON).
        self._closed_calls: list[tuple[str, str]] = []
        self._attempt_times = AttemptTimes()
        #: The words that count how long the unsettled attempt waited and ran.
        self._times: tuple[str, ...] = ()
        #: The claim's answer, if it came together with the settlement.
        self._fetched: list[Any] | None = None
        #: When a claim last found no job, so that the next fetch may block in a pop; -inf if it found one.
        self._idle_since = _NEVER
        self._popping = False
        #: Whether the last `settle_and_fetch` script failed.
        self._has_failed = False

    def recover(self) -> Recovered:
        """Requeue the jobs that a dead worker held in this slot, and count the death."""
        held = ("LRANGE", self._keys.active(self.worker_id), "0", "-1")
        self._send([held, self._words("recover", self.worker_id, "1", self._queue.recoveries)])
        ids, answer = self._receive(may_be_empty=True), self._receive()
        if len(answer) != 2:
            raise self._unknown(answer)
        moved, dead = answer
        held_ids = [job_id for job_id in ids if is_valid_id(job_id)]  # a raw push has no id yet
        return Recovered(int(moved), [Job.from_reply(self._queue.name, fields) for fields in dead], held_ids)

    def requeue(self) -> int:
        """Requeue the jobs that this slot holds, without counting the attempt; return how many."""
        return int(self._call("recover", self.worker_id, "0", self._queue.recoveries)[0])

    def settle_and_fetch(self, finished: Finished | None = None) -> Settlement | None:
        """Settle the finished job and request the next; return the settlement without waiting for the next
        job.

        If the job could not be settled, the next call settles it first.
        """
        self._take(finished)
        self.store_calls()
        self._fetched = None
        self._popping = not self._unsettled and monotonic() < self._idle_since + _FRESH
        self._idle_since = _NEVER
        if not self._unsettled:
            self._send([self._pop, self._claim] if self._popping else [self._claim])
            return None
        outcome = self._unsettled.outcome
        # If one half of the script fails (a key was edited by hand), the answer of the other is lost: after a
        # failure they are sent as two scripts.
        if isinstance(outcome, Completed) and not self._has_failed:
            self._has_failed = True
            job = self._unsettled.job
            words = (*self._settle_and_fetch_words, job.id, job.fencing_token, outcome.result)
            self._send([(*words, *self._settle_and_fetch_policy, *self._times)])
            answer = self._receive()
            if len(answer) != 2:
                raise self._unknown(answer)
            verdict, self._fetched = answer
            self._has_failed = False
            return self._settlement(verdict)
        self._has_failed = False
        self._send([self._settle_words(self._unsettled), self._claim])
        return self._settlement(*self._receive())

    def next_job(self) -> Job | Wait | None:
        """Return the next job; None if there was none for up to BLOCK seconds."""
        refusal = self._receive_pop() if self._popping else None
        answer = self._receive() if self._fetched is None else self._fetched
        try:
            kind = answer[0]
            if kind == "first":
                return Job.first_started(self._queue.name, self.worker_id, answer)
            if kind == "job":
                return Job.from_reply(self._queue.name, answer[1])
            if kind == "wait":
                return Wait(int(answer[1]) / 1000)
        except (IndexError, KeyError, TypeError, ValueError) as error:
            raise self._unknown(answer) from error
        if kind != "none":
            raise self._unknown(answer)
        self._idle_since = monotonic()
        if refusal:
            raise refusal
        return None

    def settle(self, finished: Finished | None = None) -> Settlement | None:
        """Settle the finished job, or one that is still unsettled, without fetching another."""
        self._take(finished)
        self.store_calls()
        if not self._unsettled:
            return None
        self._send([self._settle_words(self._unsettled)])
        return self._settlement(*self._receive())

    def _take(self, finished: Finished | None) -> None:
        """Settle this attempt next, if there is one."""
        if finished:
            self._unsettled = finished
            outcome = _COUNTED.get(type(finished.outcome))
            times = (finished.job.wait_ms or 0, finished.duration_ms)
            self._times = self._attempt_times.words(outcome, *times) if outcome else ()

    def progress(self, job: Job, percent: float, stage: str = "") -> None:
        """Store the progress of the job. Raises JobLost if another worker owns it."""
        self._while_owned("progress", job, f"{percent:g}", stage)

    def checkpoint(self, job: Job, name: str, value: str) -> Shortfall | None:
        """Store a step's result (JSON), and what it cost; return which copies are missing. Raises JobLost."""
        calls = [call for job_id, call in self._closed_calls if job_id == job.id]
        try:
            self._while_owned("checkpoint", job, name, value, *calls)
        except (JobLost, JobCancelled):
            self._forget_calls(calls)
            raise
        self._forget_calls(calls)
        if not self._durability:
            return None
        try:
            with self._connection.bounded_by_python():
                shortfall = self._connection.confirm(self._durability)
        except BaseException:
            self.disconnect()
            raise
        if shortfall:  # the server may be a primary that was replaced and doesn't know
            self.disconnect()
        return shortfall

    def open_call(self, job: Job, call_id: str, call: str, at: str = "", *warnings: str) -> int:
        """Store that a paid request is about to be sent (`open_call.lua`); return its time, ms. Raises
        JobLost: the request must not be sent."""
        return int(self._while_owned("open_call", job, call_id, call, at, *warnings)[1])

    def close_call(self, job_id: str, call: str) -> None:
        """Keep what a paid request cost (JSON), for the next checkpoint, settlement or `store_calls`."""
        self._closed_calls.append((job_id, call))

    def store_calls(self) -> None:
        """Store what paid requests cost, if that is still to be done."""
        if not self._closed_calls:
            return
        calls = [*self._closed_calls]
        words = [word for call in calls for word in call]
        try:
            with self._connection.bounded_by_python():
                self._call("close_calls", *words)
        except ResponseError as error:
            if not is_refusal(error) or is_server_wide(error) or code_of(error) == "NOSCRIPT":
                raise
            # A key was edited by hand: the job must still be settled.
            logger.error(
                "Cannot store the cost of paid requests", extra=fields(calls=words, error=str(error))
            )
        self._closed_calls = self._closed_calls[len(calls) :]

    def acquire_token(self, job: Job) -> float:
        """Acquire a further token of the rate limit; return the seconds to wait before calling again, 0 if
        it is acquired. Raises JobLost."""
        _, *wait_ms = self._while_owned("acquire_token", job, *self._limit)
        return int(wait_ms[0]) / 1000 if wait_ms else 0.0

    def note_vendor_limits(
        self, age: float, used: int, limits: Sequence[tuple[str, int, int, float]]
    ) -> None:
        """Store a vendor's rate limits, for all workers: name, limit, what remains, seconds until it is all
        back. The request that was answered was sent `age` seconds ago and used `used` tokens."""
        words = [word for name, limit, left, reset in limits for word in (name, limit, left, _ms(reset))]
        with self._connection.bounded_by_python():
            self._call("note_vendor_limits", _ms(age), used, *self._limit, *words)

    def check_lease(self, job: Job) -> None:
        """Raise JobLost if another worker owns the job."""
        self._while_owned("check_lease", job)

    def disconnect(self) -> None:
        """Close the connection; pending answers are lost."""
        self._connected = False
        self._unread = 0
        self._fetched = None
        self._idle_since = _NEVER  # a pop whose answer was lost may have moved a job
        self._connection.disconnect()

    def _forget_calls(self, calls: list[str]) -> None:
        self._closed_calls = [kept for kept in self._closed_calls if kept[1] not in calls]

    def _while_owned(self, name: str, job: Job, *arguments: str | int) -> list[Any]:
        with self._connection.bounded_by_python():  # a signal arrives every second while a job runs
            answer: list[Any] = self._call(name, job.id, self.worker_id, job.fencing_token, *arguments)
        if answer[0] == "lost":
            raise JobLost(f"job {job.id} belongs to another worker now")
        if answer[0] == "cancelled":
            raise JobCancelled(f"job {job.id} is cancelled")
        return answer

    def _settle_words(self, finished: Finished) -> tuple[str, ...]:
        job, outcome = finished.job, finished.outcome
        held = (job.id, self.worker_id, job.fencing_token)
        if isinstance(outcome, Completed):
            return self._words("complete", *held, outcome.result, *self._retention, *self._times)
        if isinstance(outcome, Failed):
            failure = (outcome.error, outcome.kind, outcome.service, outcome.words)
            queue, jitter = self._queue, f"{self._jitter * self._chance():.4f}"
            backoff = (queue.retries, _ms(queue.backoff), _ms(queue.backoff_max), jitter)
            delays = (*backoff, outcome.retry_after_ms, *self._outage_terms)
            return self._words("retry", *held, *failure, *delays, *self._times)
        if isinstance(outcome, Cancelled):
            return self._words("end_cancelled", *held)
        return self._words(
            "release", *held, outcome.hold_ms, outcome.reason, outcome.delay_ms, outcome.lacking
        )

    def _settlement(self, verdict: Any, *detail: Any) -> Settlement:
        if verdict not in _VERDICTS:
            raise self._unknown([verdict, *detail])
        finished, self._unsettled = self._unsettled, None
        assert finished is not None
        return settlement(finished, verdict, *detail) if detail else Settlement(finished, verdict)

    def _words(self, name: str, *arguments: str | int) -> tuple[str, ...]:
        script = scripts()[name]
        return ("EVALSHA", script.digest, "1", self._keys.base, self._now, *map(str, arguments))

    def _call(self, name: str, *arguments: str | int) -> Any:
        self._send([self._words(name, *arguments)])
        return self._receive()

    def _send(self, commands: list[tuple[Any, ...]]) -> None:
        try:
            if self._unread:
                # An earlier call was interrupted: its pending answers would be read as ours.
                self.disconnect()
            if not self._connected:
                self._connect()
            self._unread = len(commands)
            self._connection.send(b"".join(map(pack_command, commands)))
        except BaseException:
            self.disconnect()
            raise

    def _receive_pop(self) -> ResponseError | None:
        """Read the answer of the pop. Return the error of a server that is out of memory: the claim after it
        can still take a job."""
        try:
            self._connection.receive()
        except BaseException as error:
            if not isinstance(error, ResponseError) or code_of(error) != "OOM":
                self.disconnect()
                raise
            self._unread -= 1
            return error
        self._unread -= 1
        return None

    def _receive(self, may_be_empty: bool = False) -> Any:
        # Any exception, also one of a signal handler, may leave answers unread, so the connection is closed.
        # The next one loads the scripts again, in case SCRIPT FLUSH or a failover lost them.
        try:
            answer = self._connection.receive()
        except BaseException as error:
            self.disconnect()
            if self._unsettled and isinstance(error, ResponseError) and is_too_large(error):
                self._unsettled.make_too_large()  # the next call can settle this
                self._times = ()
            raise
        self._unread -= 1
        if type(answer) is not list or not (answer or may_be_empty):
            raise self._unknown(answer)
        return answer

    def _unknown(self, answer: object) -> RedisConnectionError:
        """Return the error for an answer that no script gives: the server isn't Redis, or a proxy mixes up
        answers."""
        self.disconnect()
        return RedisConnectionError(f"the server answers {str(answer)[:100]!r}, which no script returns")

    def _connect(self) -> None:
        self._connection.connect()
        load_scripts(self._connection, self._keys)
        self._connected = True


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
