"""The queue's public interface: add, inspect and control jobs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .config.model import RateLimit
from .errors import UnknownJob
from .store.health import Health, check_health
from .store.job import DEFAULT_PRIORITY, Job, State, is_valid_id, new_id, text
from .store.json_text import whole_characters
from .store.listing import HeldSlot, Listed, held_slots, list_jobs
from .store.location import JobLocation, locate
from .store.reader import QueueReader
from .store.snapshot import QueueSnapshot, take_snapshot

# Created once: json.dumps creates an encoder for each call with non-default options.
_compact = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode

#: Largest data of one job, bytes of JSON. Store larger objects in S3 and their key in the job.
MAX_DATA_BYTES = 1_000_000

#: Jobs added by one script call, bounded because a script blocks Redis.
_CHUNK = 500

#: Characters of data in one script call: 500 jobs of the largest size would be half a gigabyte.
_CHUNK_CHARACTERS = 1_000_000

#: Retention of a cancelled job, ms.
_KEEP_CANCELLED = 86_400_000

#: Arguments of `enqueue.lua` for one job; see `NewJob.encode`.
Encoded = tuple[str, str, int, int]


@dataclass(frozen=True)
class NewJob:
    """A job to add.

    Args:
        data: a JSON object, up to `MAX_DATA_BYTES`.
        id: a unique id; a new ULID by default. Adding an id that still exists is a no-op.
        priority: 1 (most urgent) to 100; first in, first out within one priority.
        delay: seconds until the job is due.
    """

    data: Mapping[str, Any]
    id: str = field(default_factory=new_id)
    priority: int = DEFAULT_PRIORITY
    delay: float = 0.0

    def encode(self) -> Encoded:
        """Return the script's arguments: id, JSON, priority, delay in ms. Raises ValueError if any is
        invalid."""
        if not is_valid_id(self.id):
            raise ValueError(
                f"id {self.id!r} must be 1 to 128 letters, digits or . _ : @ / + = -, a letter or digit first"
            )
        check_priority(self.priority)
        if not 0 <= self.delay <= 10 * 365 * 86_400:
            raise ValueError(f"delay must be 0 or more seconds and at most ten years, not {self.delay!r}")
        return self.id, encode_data(self.data), self.priority, round(self.delay * 1000)


class Added(NamedTuple):
    """The result of adding a job: its id, and whether it was created (False if the id already existed)."""

    id: str
    created: bool


def check_priority(priority: int) -> None:
    """Check a priority. Raises ValueError unless it is a whole number from 1 to 100."""
    if isinstance(priority, bool) or priority not in range(1, 101):
        raise ValueError(f"priority must be a whole number from 1 to 100, not {priority!r}")


def encode_data(data: Mapping[str, Any]) -> str:
    """Return the data as compact JSON, with U+FFFD in place of lone surrogates. Raises ValueError if it isn't
    a JSON object or is larger than `MAX_DATA_BYTES`."""
    if not isinstance(data, (dict, Mapping)):  # dict first: an ABC's check is slow
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


class Queue(QueueReader):
    """One queue: add jobs, inspect them and control when they start.

        queue = Queue("tts", redis.Redis())
        queue.enqueue({"questionId": "q1", "text": "What is a hash table?"}, priority=1)

    Each method that changes jobs is atomic and idempotent in Redis (`enqueue_many`: per chunk). The client
    may be created with or without `decode_responses`. All methods raise redis.RedisError.
    """

    def enqueue(
        self,
        data: Mapping[str, Any],
        *,
        id: str | None = None,  # noqa: A002 — the name that the job's other interfaces use
        priority: int = DEFAULT_PRIORITY,
        delay: float = 0.0,
    ) -> Added:
        """Add one job; the arguments are those of `NewJob`. Raises ValueError if any is invalid."""
        encoded = NewJob(data, id or new_id(), priority, delay).encode()
        (created,) = self.call("enqueue", *encoded)
        return Added(encoded[0], bool(created))

    def enqueue_many(self, jobs: Iterable[NewJob]) -> list[Added]:
        """Add jobs in order, in chunks of up to 500 jobs. Raises ValueError if a job is invalid; the chunks
        before it have been added by then."""
        added: list[Added] = []
        for chunk in _chunks(jobs):
            created = self.call("enqueue", *(word for encoded in chunk for word in encoded))
            added += [Added(job[0], bool(new)) for job, new in zip(chunk, created, strict=True)]
        return added

    def pause(self) -> None:
        """Stop starting jobs of this queue, on all machines. Active jobs continue."""
        self.redis.hset(self.keys.gate, "paused", "1")

    def resume(self) -> None:
        """End a pause, and a hold after a rate limit. A queue that is out of service probes at once."""
        self.call("resume")

    def cancel(self, job_id: str) -> State:
        """Cancel a waiting or delayed job. Returns the resulting state: `cancelled`, or that of a job that
        cannot be cancelled. Raises UnknownJob.
        """
        return self._changed("cancel", job_id, _KEEP_CANCELLED)

    def promote(self, job_id: str) -> State:
        """Make a delayed job due now. Returns the resulting state: `waiting`, or that of a job that isn't
        delayed. Raises UnknownJob.
        """
        return self._changed("promote_job", job_id)

    def prioritize(self, job_id: str, priority: int) -> State:
        """Change the priority of a waiting or delayed job. Returns its state; in any other state, the
        priority is unchanged. Raises UnknownJob, and ValueError for an invalid priority.
        """
        check_priority(priority)
        return self._changed("prioritize", job_id, priority)

    def drop_event(self, event: str) -> None:
        """Remove an event after its delivery has been enqueued."""
        self.redis.lrem(self.keys.events, 1, event)

    def replay(self, ids: Sequence[str]) -> int:
        """Move dead letters back to the waiting list in the given order, with counters reset. Returns the
        number of jobs moved."""
        return int(self.call("replay", *ids)[0])

    def purge(self, ids: Sequence[str]) -> int:
        """Delete dead letters permanently. Returns the number of jobs deleted."""
        return int(self.call("purge", *ids)[0])

    def jobs(self, state: Listed, start: int = 0, count: int = 50) -> list[Job]:
        """Return a page of the jobs in a state.

        Waiting jobs are in the order in which they will start, those already reserved by a worker first;
        delayed jobs by due time; failed and completed jobs newest first.
        """
        return list_jobs(self, state, start, count)

    def locate(self, job_id: str, rate_limit: RateLimit | None = None) -> JobLocation:
        """Return the job's place and what it waits for, in one consistent read."""
        return locate(self, job_id, rate_limit)

    def snapshot(self, failures: int = 5) -> QueueSnapshot:
        """Return counts, gate, statistics, workers and the latest `failures` dead letters."""
        return take_snapshot(self, failures)

    def health(self, rate_limit: RateLimit | None = None, local: bool = False) -> Health:
        """Return whether workers take jobs from this queue; with `local`, only workers of this host count.

        If a job could start now, waits some seconds to see whether it does.
        """
        return check_health(self, rate_limit, local)

    def held_slots(self) -> list[HeldSlot]:
        """Return the slots of all instances and the jobs they hold, in one consistent read."""
        return held_slots(self)

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
