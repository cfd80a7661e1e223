"""The queue's public interface: add, inspect and control jobs.

Methods that only observers call import what they need: a producer may be a short-lived command.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from redis.client import Redis

from ..config.durability import Durability, check_durability
from ..store.arguments import plain_ids, plain_text
from ..store.group import Group
from ..store.job import DEFAULT_PRIORITY, Job, State
from ..store.job_id import new_id
from ..store.keys import Keys, checked_names
from ..store.operation import Operation, perform
from ..store.reading.reader import QueueReader
from . import operations
from .new_job import NewJob, check_id, encode
from .timeouts import client_timeout
from .tracing import producer_span

if TYPE_CHECKING:
    from redis.cluster import RedisCluster

    from ..config.model import RateLimit
    from ..store.reading.health import Health
    from ..store.reading.listing import HeldSlot, Listed
    from ..store.reading.location import JobLocation
    from ..store.reading.snapshot import QueueSnapshot

#: Dead letters that one script call moves or deletes at most.
_PORTION = 50

Value = TypeVar("Value")


@dataclass(slots=True)  # not frozen for speed
class JobRef:
    """A job that was added, or is looked up by its id.

    Args:
        id: the job's id.
        created: False if a job with this id existed already, so that nothing was added.
    """

    id: str
    created: bool
    _queue: Queue = field(repr=False, compare=False)

    def status(self) -> Job:
        """Return the job as it is now. Raises UnknownJob if it is no longer stored."""
        return self._queue.run(operations.status(self._queue.keys, self.id))

    def wait(self, timeout: float | None = None) -> Any:
        """Wait until the job has ended, at most `timeout` seconds. Returns the handler's result.

        The wait is one blocking command, which occupies a connection of the client's pool. It continues after
        a lost connection and a failover, and while Redis runs a slow script or is out of memory.

        Raises JobFailed if the job failed, was cancelled or expired, TimeoutError, and UnknownJob;
        redis.RedisError if Redis doesn't answer for half a minute or when the timeout ends.
        """
        return self._queue.run(
            operations.wait(self._queue.keys, self.id, timeout, client_timeout(self._queue.redis))
        )

    def cancel(self, running: bool = False) -> State:
        """Cancel the job; see `Queue.cancel`."""
        return self._queue.cancel(self.id, running)


class Queue(QueueReader):
    """One queue: add jobs, inspect them and control when they start.

        queue = Queue("tts", redis.Redis())
        queue.enqueue({"questionId": "q1", "text": "What is a hash table?"}, priority=1)

    With `durable=Durability(replicas=1)`, adding jobs waits until that many replicas have them, and raises
    NotReplicated if that takes too long.

    A queue is there as soon as it has a job. Jobs of one that no worker works, such as one whose name is
    misspelt, wait: `counts().workers` is 0 then. Raises ValueError for a name that no worker could work on.

    Each method that changes jobs is atomic and idempotent in Redis; long lists are sent in chunks. The client
    may be created with or without `decode_responses`. All methods raise redis.RedisError.
    """

    def __init__(
        self,
        name: str,
        redis: Redis | RedisCluster,
        prefix: str = "preppath",
        *,
        durable: Durability | None = None,
    ) -> None:
        name, prefix = checked_names(name, prefix)
        check_durability(durable)
        super().__init__(name, redis, prefix)
        self._durable = durable

    @classmethod
    def from_env(cls, name: str, env_file: str | Path | None = None) -> Self:
        """Return a queue on the Redis that `REDIS_URL` (or `REDIS_HOST`, `REDIS_PORT`, `REDIS_PASSWORD`) and
        `KEY_PREFIX` name, as for the workers; durable if `ENQUEUE_WAIT_REPLICAS` is set. A call that meets a
        restart of Redis or a failover is repeated for some 6 s.

        `env_file` is a file of such variables, which needs the package python-dotenv; those of the process
        override it. Raises ConfigError.
        """
        from ..store.connections.connection import producer_client
        from .environment import redis_config

        config = redis_config(env_file)
        base = Keys(config.prefix, name).base
        return cls(name, producer_client(config.url, base), config.prefix, durable=config.enqueue)

    def run(self, operation: Operation[Value]) -> Value:
        """Run an operation with this queue's client. Raises what the operation raises."""
        return perform(operation, self.read.take)

    def enqueue(
        self,
        data: Mapping[str, Any],
        *,
        id: str | None = None,  # noqa: A002 — the name that the job's other interfaces use
        priority: int = DEFAULT_PRIORITY,
        delay: float = 0.0,
        at: datetime | None = None,
        expires: float | None = None,
        group: str | None = None,
        group_size: int | None = None,
        traceparent: str | None = None,
    ) -> JobRef:
        """Add one job; the arguments are those of `NewJob`. Raises ValueError if any is invalid, and
        NotReplicated."""
        job_id = new_id() if id is None else check_id(id)
        with producer_span(self.name, job_id, traceparent) as trace:
            job = encode(data, job_id, priority, delay, at, expires, group, group_size, trace)
            return JobRef(job_id, self.run(operations.add(self.keys, job, self._durable)), self)

    def enqueue_many(self, jobs: Iterable[NewJob]) -> list[JobRef]:
        """Add jobs in order, in chunks of up to 50 jobs. Raises ValueError with the id of a job that is
        invalid, and NotReplicated; the chunks before it have been added by then."""
        added = self.run(operations.add_many(self.keys, jobs, self._durable))
        return [JobRef(job_id, created, self) for job_id, created in added]

    def ref(self, job_id: str) -> JobRef:
        """Return a reference to a job that exists, to wait for it or to cancel it."""
        return JobRef(plain_text("id", job_id), False, self)

    def group(self, name: str) -> Group | None:
        """Return how many jobs of a group have ended; None if there is no such group."""
        return self.run(operations.group(self.keys, name))

    def close_group(self, name: str) -> Group | None:
        """Let a group end when its jobs have ended: no more will be added. Not needed if they were added with
        `group_size`. Returns the group; None if there is none."""
        return self.run(operations.close_group(self.keys, name))

    def pause(self) -> None:
        """Stop starting jobs of this queue, on all machines. Active jobs continue."""
        self.run(operations.pause(self.keys))

    def resume(self) -> None:
        """End a pause, and a hold after a rate limit. A queue that is out of service probes at once."""
        self.call("resume")

    def cancel(self, job_id: str, running: bool = False) -> State:
        """Cancel a waiting or delayed job; with `running` also an active one.

        Returns the resulting state: `cancelled`; `cancelling` for an active job, which its worker interrupts
        within about a second, on any machine; or that of a job that cannot be cancelled. A job that
        completes first is completed. Raises UnknownJob.
        """
        return self.run(operations.cancel(self.keys, job_id, running))

    def promote(self, job_id: str) -> State:
        """Make a delayed job due now. Returns the resulting state: `waiting`, or that of a job that isn't
        delayed. Raises UnknownJob.
        """
        return self.run(operations.change(self.keys, "promote_job", job_id))

    def prioritize(self, job_id: str, priority: int) -> State:
        """Change the priority of a waiting or delayed job. Returns its state; in any other state, the
        priority is unchanged. Raises UnknownJob, and ValueError for an invalid priority.
        """
        return self.run(operations.prioritize(self.keys, job_id, priority))

    def replay(self, ids: Iterable[str]) -> int:
        """Move dead letters back to the waiting list in the given order, with counters reset. Returns the
        number of jobs moved."""
        return self._in_portions("replay", ids)

    def purge(self, ids: Iterable[str]) -> int:
        """Delete dead letters permanently. Returns the number of jobs deleted."""
        return self._in_portions("purge", ids)

    def _in_portions(self, script: str, ids: Iterable[str]) -> int:
        """Call a script, which blocks Redis, for some ids at a time. Returns the sum of its results."""
        wanted, total, first = plain_ids(ids), 0, 0
        while portion := wanted[first : first + _PORTION]:
            jobs, *handled = self.call(script, *portion)
            total += int(jobs)
            first += int(handled[0]) if handled else len(portion)
        return total

    def jobs(self, state: Listed, start: int = 0, count: int = 50) -> list[Job]:
        """Return a page of the jobs in a state.

        Waiting jobs are in the order in which they will start, those already reserved by a worker first;
        delayed jobs by due time; failed and completed jobs newest first.
        """
        from ..store.reading.listing import list_jobs

        return list_jobs(self, state, start, count)

    def locate(self, job_id: str, rate_limit: RateLimit | None = None) -> JobLocation:
        """Return the job's place and what it waits for, in one consistent read."""
        from ..store.reading.location import locate

        return locate(self, job_id, rate_limit)

    def snapshot(self, failures: int = 5) -> QueueSnapshot:
        """Return counts, gate, statistics, workers and the latest `failures` dead letters."""
        from ..store.reading.snapshot import take_snapshot

        return take_snapshot(self, failures)

    def health(self, rate_limit: RateLimit | None = None, local: bool = False) -> Health:
        """Return whether workers take jobs from this queue; with `local`, only workers of this host count.

        If a job could start now, waits some seconds to see whether it does.
        """
        from ..store.reading.health import check_health

        return check_health(self, rate_limit, local)

    def held_slots(self) -> list[HeldSlot]:
        """Return the slots of all instances and the jobs they hold, in one consistent read."""
        from ..store.reading.listing import held_slots

        return held_slots(self)
