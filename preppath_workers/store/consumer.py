"""A queue as one child sees it: its slot, with one turn after the other.

A turn is one round trip. While there is work, one script settles the last job and starts the next. When there
is none, two commands travel in one packet: pop the next job into the slot's active list, and claim it. Redis
blocks in the pop, and starts the job the moment it arrives. A claim finds the job in the active list by
itself; whatever got lost on the way, a pop or an answer, the next claim brings it up again.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any

from hiredis import pack_command
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from ..config.model import Config, QueueConfig
from ..errors import JobLost
from .connection import Connection
from .job import Job, is_valid_id
from .keys import Keys
from .outcome import Completed, Failed, Finished, Recovered, Settlement
from .refusals import code_of, is_too_large
from .scripts import SERVER_TIME, Script, scripts

#: Seconds that one pop blocks on an empty queue: long, so that idle children are quiet.
BLOCK = 5

#: How old an answer that there is nothing may be for a pop to follow it (s). Who gets it is on the books, or
#: was put back there by a claim, and a job may land in its slot: who can still settle a job was never reaped.
_FRESH = 5.0

#: How long after an instance was last seen a pop of it may still take a job (ms), with room to spare.
LONGEST_POP_MS = round((BLOCK + _FRESH) * 1500)

#: Seconds for any answer. Above BLOCK, or an idle queue would look like a dead server.
ANSWER_TIMEOUT = BLOCK + 5.0

_VERDICTS = ("completed", "reopened", "delayed", "dead", "released", "lost")

#: The error of a job whose outcome the server refuses for its size.
_TOO_LARGE = (
    '{"class":"PermanentError","message":"Redis refuses the outcome: it is too large for this server"}'
)

_USED = (
    *("settle_and_fetch", "claim", "complete", "retry", "release", "recover"),
    *("progress", "checkpoint", "acquire_token", "check_lease"),
)


@dataclass(frozen=True)
class Wait:
    """The slot holds a job that may not start yet: claim again after so many seconds."""

    seconds: float


class Consumer:
    """The place of one child: `<instance>:<number>`. Not to be shared.

    Any method may raise redis.RedisError. The connection is closed then; the next call opens a new one and
    goes on where it was lost.
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
        """`chance` returns the part, 0 to 1, of the longest jitter that a backoff gets."""
        self.worker_id = f"{instance}:{number}"
        self._queue = queue
        self._keys = Keys(config.redis.prefix, queue.name)
        self._connection = Connection(config.redis.url, ANSWER_TIMEOUT)
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
        # A turn's words before and after those that change: to make all of them each time takes 1.2 of 17 µs.
        self._settle_and_fetch_words = self._words("settle_and_fetch", self.worker_id)
        self._settle_and_fetch_policy = tuple(map(str, (*self._retention, *terms)))
        self._pop = ("BRPOPLPUSH", self._keys.wait, self._keys.active(self.worker_id), str(BLOCK))
        self._unsettled: Finished | None = None
        #: What this turn brought, when it came together with the settlement.
        self._fetched: list[Any] | None = None
        #: When there was nothing at last: the next turn may block in a pop. Long ago when there was a job.
        self._idle_since = float("-inf")
        self._popping = False
        #: Whether the last turn was one script whose answer never came.
        self._has_failed = False

    def recover(self) -> Recovered:
        """Gives back what a dead predecessor held in this slot, as lost by its worker."""
        held = ("LRANGE", self._keys.active(self.worker_id), "0", "-1")
        self._send([held, self._words("recover", self.worker_id, "1", self._queue.recoveries)])
        ids, answer = self._receive(may_be_empty=True), self._receive()
        if len(answer) != 2:
            raise self._unknown(answer)
        moved, dead = answer
        held_ids = [job_id for job_id in ids if is_valid_id(job_id)]  # a raw push has no id yet
        return Recovered(int(moved), [Job.from_reply(self._queue.name, fields) for fields in dead], held_ids)

    def requeue(self) -> int:
        """Gives back what this slot holds, in good order: no attempt is counted; returns how many."""
        return int(self._call("recover", self.worker_id, "0", self._queue.recoveries)[0])

    def settle_and_fetch(self, finished: Finished | None = None) -> Settlement | None:
        """Sends a whole turn and returns what became of the finished job, without waiting for the next.

        A job that could not be settled stays on the slot's mind: the next turn settles it first.
        """
        self._unsettled = finished or self._unsettled
        self._fetched = None
        self._popping = not self._unsettled and monotonic() < self._idle_since + _FRESH
        self._idle_since = float("-inf")
        if not self._unsettled:
            self._send([self._pop, self._claim] if self._popping else [self._claim])
            return None
        job, outcome = self._unsettled.job, self._unsettled.outcome
        # Where one half of a turn fails, of a key that somebody has made something else, nobody hears what
        # became of the other: after such a turn the halves go apart.
        if isinstance(outcome, Completed) and not self._has_failed:
            self._has_failed = True
            self._send(
                [
                    (
                        *self._settle_and_fetch_words,
                        job.id,
                        job.fencing_token,
                        outcome.result,
                        *self._settle_and_fetch_policy,
                    )
                ]
            )
            settled, *claimed = self._receive()
            if len(claimed) != 1 or type(claimed[0]) is not list or not claimed[0]:
                raise self._unknown(claimed)
            self._fetched = claimed[0]
            self._has_failed = False
            return self._settlement([settled])
        self._has_failed = False
        self._send([self._settle_words(self._unsettled), self._claim])
        return self._settlement(self._receive())

    def next_job(self) -> Job | Wait | None:
        """The next job, after up to BLOCK seconds when there was none; None when there is still none."""
        refusal = self._receive_pop() if self._popping else None
        answer = self._fetched or self._receive()
        if answer[0] == "first":
            return Job.first_started(self._queue.name, self.worker_id, answer[1:])
        if answer[0] == "wait":
            return Wait(int(answer[1]) / 1000)
        if answer[0] == "none":
            self._idle_since = monotonic()
            if refusal:
                raise refusal
            return None
        if answer[0] != "job":
            raise self._unknown(answer)
        return Job.from_reply(self._queue.name, answer[1])

    def settle(self, finished: Finished | None = None) -> Settlement | None:
        """Settles the finished job, and whatever is still unsettled, without taking another."""
        self._unsettled = finished or self._unsettled
        if not self._unsettled:
            return None
        self._send([self._settle_words(self._unsettled)])
        return self._settlement(self._receive())

    def progress(self, job: Job, percent: int) -> None:
        """Shows how far the job is. Raises JobLost when another worker owns it now."""
        self._while_owned("progress", job, percent)

    def checkpoint(self, job: Job, name: str, value: str) -> None:
        """Keeps what a step brought (JSON), for later attempts. Raises JobLost."""
        self._while_owned("checkpoint", job, name, value)

    def acquire_token(self, job: Job) -> float:
        """Spends a further token of the rate limit; returns the seconds to wait before asking again, 0 when
        it is spent. Raises JobLost."""
        _, *wait_ms = self._while_owned("acquire_token", job, *self._limit)
        return int(wait_ms[0]) / 1000 if wait_ms else 0.0

    def check_lease(self, job: Job) -> None:
        """Raises JobLost when another worker owns the job now."""
        self._while_owned("check_lease", job)

    def disconnect(self) -> None:
        """Closes the connection; answers that are under way are lost."""
        self._connected = False
        self._unread = 0
        self._fetched = None
        self._idle_since = float("-inf")  # nobody knows what a pop or a claim did whose answer was lost
        self._connection.disconnect()

    def _while_owned(self, name: str, job: Job, *arguments: str | int) -> list[Any]:
        with self._connection.bounded_by_python():  # one comes every second while a job runs
            answer: list[Any] = self._call(name, job.id, self.worker_id, job.fencing_token, *arguments)
        if answer[0] == "lost":
            raise JobLost(f"job {job.id} belongs to another worker now")
        return answer

    def _settle_words(self, finished: Finished) -> tuple[str, ...]:
        job, outcome = finished.job, finished.outcome
        held = (job.id, self.worker_id, job.fencing_token)
        if isinstance(outcome, Completed):
            return self._words("complete", *held, outcome.result, *self._retention)
        if isinstance(outcome, Failed):
            failure = (outcome.error, outcome.kind, outcome.service, outcome.words)
            queue, jitter = self._queue, f"{self._jitter * self._chance():.4f}"
            backoff = (queue.retries, _ms(queue.backoff), _ms(queue.backoff_max), jitter)
            return self._words(
                "retry", *held, *failure, *backoff, outcome.retry_after_ms, *self._outage_terms
            )
        return self._words("release", *held, outcome.hold_ms, outcome.reason)

    def _settlement(self, answer: list[Any]) -> Settlement:
        verdict, *detail = answer
        if verdict not in _VERDICTS:
            raise self._unknown(answer)
        finished, self._unsettled = self._unsettled, None
        assert finished is not None
        # A repeated call is told the verdict alone: what it did was done by the first.
        about, account, gate = (*detail, "", "", "")[:3]
        settlement = Settlement(finished, verdict, counted=account != "excused", closed=gate == "closed")
        if verdict == "delayed":
            settlement.delay_ms = int(about)
        else:
            settlement.reason = about
        return settlement

    def _words(self, name: str, *arguments: str | int) -> tuple[str, ...]:
        script = scripts()[name]
        return ("EVALSHA", script.digest, "1", self._keys.base, self._now, *map(str, arguments))

    def _call(self, name: str, *arguments: str | int) -> Any:
        self._send([self._words(name, *arguments)])
        return self._receive()

    def _send(self, commands: list[tuple[Any, ...]]) -> None:
        try:
            if self._unread:
                # A turn was given up, or a signal came between a command and its answer: what is still to be
                # read would be taken for ours.
                self.disconnect()
            if not self._connected:
                self._connect()
            self._unread = len(commands)
            self._connection.send(b"".join(map(pack_command, commands)))
        except BaseException:
            self.disconnect()
            raise

    def _receive_pop(self) -> ResponseError | None:
        """Reads the answer of the pop; returns the refusal of a server that is out of memory. The claim that
        follows needs none: it takes the next job by itself."""
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
        # Whatever breaks in here, an interrupt by a signal too, leaves answers unread: a fresh connection is
        # the only one whose next answer is known. A refusal (no memory, read-only replica, a script lost by
        # SCRIPT FLUSH) is one more reason for a fresh start, which loads the scripts again.
        try:
            answer = self._connection.receive()
        except BaseException as error:
            self.disconnect()
            if self._unsettled and isinstance(error, ResponseError) and is_too_large(error):
                self._unsettled.outcome = Failed(_TOO_LARGE, "permanent")  # the next turn can settle that
            raise
        self._unread -= 1
        if type(answer) is not list or not (answer or may_be_empty):
            raise self._unknown(answer)
        return answer

    def _unknown(self, answer: object) -> RedisConnectionError:
        """For an answer that none of our scripts gives: what is behind the address is not Redis, or mixes up
        whose answers it gives."""
        self.disconnect()
        return RedisConnectionError(
            f"the server answers {str(answer)[:100]!r}, which is not an answer of ours"
        )

    def _connect(self) -> None:
        self._connection.connect()
        used: list[Script] = [scripts()[name] for name in _USED]
        # One by one: as one packet they are 100 kB of each child's memory, for good.
        for script in used:
            load: tuple[Any, ...] = ("SCRIPT", "LOAD", script.text)
            self._connection.send(pack_command(load))
        for script in used:
            if self._connection.receive() != script.digest:
                raise ResponseError(f"the server names the script {script.name} otherwise than we do")
        self._connected = True


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
