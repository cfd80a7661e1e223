"""A queue as producers and onlookers see it."""

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


class Queue(QueueReader):
    """One queue, for adding jobs, looking at them and controlling their flow.

        queue = Queue("tts", redis.Redis())
        queue.enqueue({"questionId": "q1", "text": "What is a hash table?"}, priority=1)

    Every method is one atomic step in Redis, and safe to repeat. The client may decode responses or not.
    """

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

    def pause(self) -> None:
        """No job of this queue starts any more, on any machine; those that run go on."""
        self.redis.hset(self.keys.gate, "paused", "1")

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
        return self._changed("promote_job", job_id)

    def prioritize(self, job_id: str, priority: int) -> State:
        """Gives a job that has not started another priority; returns its state, which tells whether it could.

        Raises UnknownJob, and ValueError for what is no priority.
        """
        check_priority(priority)
        return self._changed("prioritize", job_id, priority)

    def drop_event(self, event: str) -> None:
        """Forgets a notice, once it has been passed on."""
        self.redis.lrem(self.keys.events, 1, event)

    def replay(self, ids: Sequence[str]) -> int:
        """Moves dead jobs back to `wait` in the given order, their counters at zero; returns how many."""
        return int(self.call("replay", *ids)[0])

    def purge(self, ids: Sequence[str]) -> int:
        """Deletes dead jobs for good; returns how many."""
        return int(self.call("purge", *ids)[0])

    def jobs(self, state: Listed, start: int = 0, count: int = 50) -> list[Job]:
        """Return a page of the jobs in a state.

        Waiting jobs come in the order they will run, jobs already reserved by a worker first; delayed ones by
        the time they are due; failed and completed ones newest first.
        """
        return list_jobs(self, state, start, count)

    def locate(self, job_id: str, rate_limit: RateLimit | None = None) -> JobLocation:
        """Return where the job is and what it waits for, at one moment."""
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
        """Return the slots of all instances and what each holds, at one moment."""
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
