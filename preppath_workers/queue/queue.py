"""A queue as producers and onlookers see it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from redis import Redis

from ..errors import UnknownJob
from .job import DEFAULT_PRIORITY, Job, State, integer, is_valid_id, new_id, text
from .json_text import whole_characters
from .keys import Keys
from .scripts import Caller
from .undecoded import Undecoded, hgetall

# Made once: json.dumps makes an encoder at each call that asks for anything special.
_compact = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode

#: Bytes of JSON that one job's data may have. Larger things belong into S3, their key into the job.
MAX_DATA_BYTES = 1_000_000

#: Jobs added by one script call: few enough that nobody else waits long, many enough to be quick.
_CHUNK = 500

#: Characters of data in one script call, for the same reason: 500 of the largest jobs are half a gigabyte.
_CHUNK_CHARACTERS = 1_000_000

#: Ms that a cancelled job can still be looked up.
_KEEP_CANCELLED = 86_400_000

#: A job in the words of the script that adds it; see `NewJob.encode`.
Encoded = tuple[str, str, int, int]


@dataclass(frozen=True)
class NewJob:
    """What a producer wants done.

    Args:
        data: a JSON object.
        id: chosen by the producer to make the job unique; else a new ULID. Adding the same id again, while
            it can be looked up, adds nothing.
        priority: 1 (most urgent) to 100; first-in-first-out within one priority.
        delay: seconds before it may start.
    """

    data: Mapping[str, Any]
    id: str = field(default_factory=new_id)
    priority: int = DEFAULT_PRIORITY
    delay: float = 0.0

    def encode(self) -> Encoded:
        """The script's words for it: id, JSON, priority, delay in ms. Raises ValueError when one is wrong."""
        if not is_valid_id(self.id):
            raise ValueError(
                f"id {self.id!r} must be 1 to 128 letters, digits or . _ : @ / + = -, a letter or digit first"
            )
        check_priority(self.priority)
        if not 0 <= self.delay <= 10 * 365 * 86_400:
            raise ValueError(f"delay must be 0 or more seconds and at most ten years, not {self.delay!r}")
        return self.id, encode_data(self.data), self.priority, round(self.delay * 1000)


class Added(NamedTuple):
    """What became of a NewJob: `created` is False where its id existed already."""

    id: str
    created: bool


@dataclass(frozen=True)
class Counts:
    """A queue's jobs by state, all at one moment; `completed` counts the recent ones that are listed."""

    waiting: int
    active: int
    delayed: int
    failed: int
    completed: int
    #: Children that live instances have for this queue.
    children: int


@dataclass(frozen=True)
class Gate:
    """Whether jobs may start: `paused` by hand, held for `held_ms` because a vendor asked for it, or out of
    service: then one job at a time probes. `reason` is what the vendor or the service said last."""

    paused: bool = False
    held_ms: int = 0
    reason: str | None = None
    #: What is out of service: openai, s3, postgresql, webhook, or `unknown`; None when nothing is.
    service: str | None = None
    #: When the queue went out of service, ms since the epoch.
    since: int | None = None
    #: Ms until the next probe may start.
    probe_ms: int = 0

    @property
    def out_of_service(self) -> bool:
        return self.service is not None


def check_priority(priority: int) -> None:
    """Raises ValueError for what is no priority."""
    if isinstance(priority, bool) or priority not in range(1, 101):
        raise ValueError(f"priority must be a whole number from 1 to 100, not {priority!r}")


def encode_data(data: Mapping[str, Any]) -> str:
    """The data as compact JSON, with U+FFFD for half an emoji. Raises ValueError for what is no JSON object
    or is too large."""
    if not isinstance(data, (dict, Mapping)):  # the first is the quick answer
        raise ValueError(f"data must be a JSON object, not {type(data).__name__}")
    try:
        encoded = _compact(data if isinstance(data, dict) else dict(data))
        if not encoded.isascii():
            encoded = whole_characters(encoded)
        size = len(encoded.encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"data is not JSON: {error}") from error
    if size > MAX_DATA_BYTES:
        raise ValueError(f"data has {size:,} bytes of JSON; at most {MAX_DATA_BYTES:,} are allowed")
    return encoded


class Queue:
    """One queue, for adding jobs, looking at them and controlling their flow.

        queue = Queue("tts", redis.Redis())
        queue.enqueue({"questionId": "q1", "text": "What is a hash table?"}, priority=1)

    Every method is one atomic step in Redis, and safe to repeat. The client may decode responses or not.
    """

    def __init__(self, name: str, redis: Redis, prefix: str = "preppath") -> None:
        self.name = name
        self.keys = Keys(prefix, name)
        self.redis = redis
        #: A command whose answer may hold what any client has pushed.
        self.read = Undecoded(redis)
        self.call = Caller(self.read, self.keys.base)

    def enqueue(
        self,
        data: Mapping[str, Any],
        *,
        id: str | None = None,  # noqa: A002 — the job's id is called that everywhere else too
        priority: int = DEFAULT_PRIORITY,
        delay: float = 0.0,
    ) -> Added:
        """Adds one job; the arguments are NewJob's. Raises ValueError when one is wrong."""
        encoded = NewJob(data, id or new_id(), priority, delay).encode()
        (created,) = self.call("enqueue", *encoded)
        return Added(encoded[0], bool(created))

    def enqueue_many(self, jobs: Iterable[NewJob]) -> list[Added]:
        """Adds jobs in their order, some hundred or a million characters at a step. Raises ValueError for a
        job that is wrong; those of earlier steps are added then."""
        added: list[Added] = []
        for chunk in _chunks(jobs):
            created = self.call("enqueue", *(word for encoded in chunk for word in encoded))
            added += [Added(job[0], bool(new)) for job, new in zip(chunk, created, strict=True)]
        return added

    def get(self, job_id: str) -> Job | None:
        """The job as it is now; None when there is none of that id (any more)."""
        return next(iter(self.get_many([job_id])), None)

    def get_many(self, ids: Iterable[str]) -> list[Job]:
        """Those of the jobs that there are, in one round trip."""
        wanted = list(ids)
        with self.redis.pipeline(transaction=False) as pipeline:
            for job_id in wanted:
                hgetall(pipeline, self.keys.job(job_id))
            hashes = pipeline.execute()
        return [
            Job(self.name, job_id, {text(name): text(value) for name, value in fields.items()})
            for job_id, fields in zip(wanted, hashes, strict=True)
            if fields
        ]

    def counts(self) -> Counts:
        """How many jobs are in each state, and how many children work on them."""
        return Counts(*self.call("counts"))

    def statistics(self) -> dict[str, int]:
        """Counters since the queue's first job: enqueued, completed, failed, retried, recovered, …"""
        return {text(name): int(value) for name, value in self.redis.hgetall(self.keys.stats).items()}

    def now(self) -> int:
        """The server's clock, which all times here are of: ms since the epoch."""
        seconds, microseconds = self.redis.time()
        return int(seconds) * 1000 + int(microseconds) // 1000

    def gate(self) -> Gate:
        """Whether jobs may start now."""
        fields = {text(name): text(value) for name, value in self.redis.hgetall(self.keys.meta).items()}
        if not fields:
            return Gate()
        now = self.now()
        # If the server's clock was put back since, the end of the hold goes back with it.
        set_back = max(0, (integer(fields.get("heldSetAt")) or 0) - now)
        held_ms = max(0, (integer(fields.get("heldUntil")) or 0) - set_back - now)
        gate = Gate("paused" in fields, held_ms, fields.get("heldReason") if held_ms else None)
        if "outOfService" not in fields:
            return gate
        return replace(
            gate,
            reason=fields["outOfService"],
            service=fields.get("service") or "unknown",
            since=integer(fields.get("outOfServiceSince")),
            probe_ms=max(0, held_ms, (integer(fields.get("probeAt")) or 0) - now),
        )

    def pause(self) -> None:
        """No job of this queue starts any more, on any machine; those that run go on."""
        self.redis.hset(self.keys.meta, "paused", "1")

    def resume(self) -> None:
        """Lifts a pause, and a hold that a vendor had caused. A queue out of service probes at once."""
        self.call("resume")

    def cancel(self, job_id: str) -> State:
        """Takes a job out that has not started; returns its state after that, which tells whether it worked.

        Raises UnknownJob.
        """
        return self._changed("cancel", job_id, _KEEP_CANCELLED)

    def promote(self, job_id: str) -> State:
        """Makes a delayed job wait in line now; returns its state after that, which tells whether it worked.

        Raises UnknownJob.
        """
        return self._changed("hasten", job_id)

    def prioritize(self, job_id: str, priority: int) -> State:
        """Gives a job that has not started another priority; returns its state, which tells whether it could.

        Raises UnknownJob, and ValueError for what is no priority.
        """
        check_priority(priority)
        return self._changed("prioritize", job_id, priority)

    def notices(self, count: int = 100) -> list[str]:
        """The oldest notices of jobs that have ended: JSON objects with id, event (completed or failed),
        replays and at (ms)."""
        return self._page(self.keys.outbox, 0, count)

    def drop_notice(self, notice: str) -> None:
        """Forgets a notice, once it has been passed on."""
        self.redis.lrem(self.keys.outbox, 1, notice)

    def dead_letters(self, start: int = 0, count: int = 100) -> list[Job]:
        """Jobs of the dead-letter list, newest first; one that was replayed meanwhile is left out."""
        return self.get_many(self._page(self.keys.dead, start, count))

    def replay(self, ids: Sequence[str]) -> int:
        """Moves dead jobs back to `wait` in the given order, their counters at zero; returns how many."""
        return int(self.call("replay", *ids)[0])

    def purge(self, ids: Sequence[str]) -> int:
        """Deletes dead jobs for good; returns how many."""
        return int(self.call("purge", *ids)[0])

    def _page(self, key: str, start: int, count: int) -> list[str]:
        """Entries of a list; none for a count of 0, for which Redis would return the whole list."""
        return list(self.read("LRANGE", key, start, start + count - 1)) if count > 0 else []

    def _changed(self, transition: str, job_id: str, *arguments: int) -> State:
        (state,) = self.call(transition, job_id, *arguments)
        if text(state) == "unknown":
            raise UnknownJob(self.name, job_id)
        return text(state)  # type: ignore[return-value] # the script answers one of the states


def _chunks(jobs: Iterable[NewJob]) -> Iterator[list[Encoded]]:
    chunk: list[Encoded] = []
    size = 0
    for job in jobs:
        encoded = job.encode()
        if len(chunk) == _CHUNK or (chunk and size + len(encoded[1]) > _CHUNK_CHARACTERS):
            yield chunk
            chunk, size = [], 0
        chunk.append(encoded)
        size += len(encoded[1])
    if chunk:
        yield chunk
