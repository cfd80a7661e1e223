"""The reading half of a queue: what a queue holds, without changing it.

What producers don't call is imported by its method: see queue.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from redis.client import Redis

from ..arguments import plain_ids, whole_number
from ..connections.given_client import client_of_queue
from ..job import Job
from ..keys import Keys
from ..layout import LayoutCheck
from ..operation import Operation, run
from ..scripts import Caller
from ..undecoded import Undecoded
from ..values import integer, sendable

if TYPE_CHECKING:
    from redis.cluster import RedisCluster

    from ..durations import Durations


@dataclass(frozen=True)
class Counts:
    """A queue's jobs by state, counted atomically; what more than some hundred workers hold is counted in
    several steps. `completed` are the listed recent ones."""

    waiting: int
    active: int
    delayed: int
    failed: int
    completed: int
    #: Workers that live instances have for this queue.
    workers: int

    @property
    def unfinished(self) -> int:
        """Jobs that are waiting, active or delayed."""
        return self.waiting + self.active + self.delayed


@dataclass(frozen=True)
class Gate:
    """Whether jobs may start: `paused` by hand; held for `held_ms` by a vendor's rate limit or a spent
    budget; or out of service: then one job at a time probes. `reason` says why it is held or out of
    service."""

    paused: bool = False
    held_ms: int = 0
    reason: str | None = None
    #: What is out of service: openai, s3, postgresql, webhook, budget (a model has no price), or `unknown`;
    #: None when nothing is.
    service: str | None = None
    #: When the queue went out of service, ms since the epoch.
    since: int | None = None
    #: Ms until the next probe may start.
    probe_ms: int = 0

    @property
    def out_of_service(self) -> bool:
        """Whether the queue is out of service."""
        return self.service is not None


def count(base: str) -> Operation[Counts]:
    """Count a queue's jobs."""
    from .portions import in_portions

    first, *further = yield from in_portions(base, "counts", lambda answer: answer[6:])
    waiting, active, delayed, failed, completed, workers = first[:6]
    for answer in further:
        waiting, active, workers = waiting + answer[0], active + answer[1], workers + answer[5]
    return Counts(waiting, active, delayed, failed, completed, workers)


#: The furthest that a page may begin or reach.
_FURTHEST = 10**15


def page(start: int, count: int) -> tuple[int, int]:
    """Return where a page begins and how many entries it has. Raises ValueError."""
    return whole_number("start", start, 0, _FURTHEST), max(
        0, whole_number("count", count, -_FURTHEST, _FURTHEST)
    )


class QueueReader:
    """Reads one queue. Nearly every method is one step in Redis; the client may decode responses or not."""

    def __init__(self, name: str, redis: Redis | RedisCluster, prefix: str = "preppath") -> None:
        self.name = name
        self.keys = Keys(prefix, name)
        self.redis = client_of_queue(redis, self.keys.base)
        self._layout = LayoutCheck(self.keys)
        #: Runs a command whose answer may contain what any client has pushed.
        self.read = Undecoded(self.redis, before=self._check_layout)
        self.call = Caller(self.read, self.keys.base)

    def get(self, job_id: str) -> Job | None:
        """Return the job as it is now; None if there is none with that id."""
        return next(iter(self.get_many([job_id])), None)

    def get_many(self, ids: Iterable[str]) -> list[Job]:
        """Return those of the jobs that exist, in one round trip; one that was overwritten doesn't."""
        wanted = plain_ids(ids)
        hashes = self.read.of_hashes([("HGETALL", sendable(self.keys.job(job_id))) for job_id in wanted])
        return [
            Job(self.name, job_id, fields) for job_id, fields in zip(wanted, hashes, strict=True) if fields
        ]

    def fields_of(self, ids: Iterable[str], *names: str) -> list[list[str | None] | None]:
        """Return these fields of the jobs, in one round trip; None for a job that was overwritten."""
        commands = [("HMGET", sendable(self.keys.job(job_id)), *names) for job_id in ids]
        return self.read.of_hashes(commands)

    def counts(self) -> Counts:
        """Return how many jobs are in each state, and how many workers there are."""
        return run(count(self.keys.base), self.read)

    def statistics(self) -> dict[str, int]:
        """Counters since the queue's first job: enqueued, completed, failed, retried, recovered, …"""
        stored = self.read("HGETALL", self.keys.stats)
        counted = {name: integer(value) or 0 for name, value in stored.items()}
        if completed := self.durations()["completed"].run.count:
            counted["completed"] = counted.get("completed", 0) + completed
        return counted

    def durations(self) -> Mapping[str, Durations]:
        """Return how long attempts waited and ran since the queue's first job, by outcome."""
        from ..durations import read_durations

        return read_durations(self.read("HGETALL", self.keys.durations))

    def causes(self) -> dict[tuple[str, str, str], int]:
        """Return how many failures there were: by what followed (`retried`, `excused` or `dead`), the reason
        for the dead-letter list, and the class of the error."""
        found = {}
        for name, value in self.read("HGETALL", self.keys.causes).items():
            what, _, rest = name.partition(":")
            reason, _, error_class = rest.rpartition(":") if what == "dead" else ("", "", rest)
            found[what, reason, error_class] = integer(value) or 0
        return found

    def now(self) -> int:
        """Return the server's time, ms since the epoch: all times of jobs are by this clock."""
        seconds, microseconds = self.redis.time()
        return int(seconds) * 1000 + int(microseconds) // 1000

    def gate(self) -> Gate:
        """Return whether jobs may start now."""
        fields = self.read("HGETALL", self.keys.gate)
        if not fields:
            return Gate()
        now = self.now()

        def left(until: str, set_at: str) -> int:
            # If the server's clock was set back since, the time moves back too.
            set_back = max(0, (integer(fields.get(set_at)) or 0) - now)
            return max(0, (integer(fields.get(until)) or 0) - set_back - now)

        held_ms = left("heldUntil", "heldSetAt")
        gate = Gate("paused" in fields, held_ms, fields.get("heldReason") if held_ms else None)
        if "outOfService" not in fields:
            return gate
        return replace(
            gate,
            reason=fields["outOfService"],
            service=fields.get("service") or "unknown",
            since=integer(fields.get("outOfServiceSince")),
            probe_ms=max(held_ms, left("probeAt", "probeSetAt")),
        )

    def events(self, count: int = 100) -> list[str]:
        """Return the oldest events that have no webhook delivery yet, as JSON; see `lua/lib/events.lua`."""
        return self._page(self.keys.events, 0, count)

    def dead_letters(self, start: int = 0, count: int = 100) -> list[Job]:
        """Jobs of the dead-letter list, newest first; one that was replayed meanwhile is left out."""
        return self.get_many(self._page(self.keys.dead, start, count))

    def _check_layout(self) -> None:
        if self._layout.is_due:
            run(self._layout.look(), Undecoded(self.redis))

    def _page(self, key: str, start: int, count: int) -> list[str]:
        """Entries of a list; none for a count of 0, for which Redis would return the whole list. Raises
        ValueError."""
        start, count = page(start, count)
        return list(self.read("LRANGE", key, start, start + count - 1)) if count > 0 else []
