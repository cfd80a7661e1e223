"""The queue's public interface: add, inspect and control jobs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..config.model import RateLimit
from ..errors import UnknownJob
from ..store.health import Health, check_health
from ..store.job import DEFAULT_PRIORITY, Job, State, new_id, text
from ..store.listing import HeldSlot, Listed, held_slots, list_jobs
from ..store.location import JobLocation, locate
from ..store.reader import QueueReader
from ..store.snapshot import QueueSnapshot, take_snapshot
from .new_job import Added, NewJob, check_priority, chunks

#: Retention of a cancelled job, ms.
_KEEP_CANCELLED = 86_400_000


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
        for chunk in chunks(jobs):
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
