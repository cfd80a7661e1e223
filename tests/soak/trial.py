"""One soak: adds the jobs, makes the troubles, waits for the end, and tells what there was to see."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TypeVar

from redis import Redis
from redis.exceptions import RedisError

from preppath_workers import NewJob, Queue
from preppath_workers.dev.redis import RedisServer
from preppath_workers.queue import audit
from preppath_workers.queue.connections import client

from .crew import Crew
from .plan import LEASE, PREFIXES, Plan, Trouble
from .record import Record
from .wire import Wire

Thing = TypeVar("Thing")

#: Seconds between two looks at what is due.
_TICK = 0.02

#: Seconds that a stopped supervisor stands still: past its lease.
_SLEEP = LEASE + 1.5

#: Seconds that all jobs may take to end once the troubles are over: a lease, a silent connection's ten
#: seconds, what is left of the work, and a slow machine.
_DRAIN = 180.0


@dataclass(frozen=True)
class Happened:
    """A trouble: when it began (s, monotonic), and the processes that it took, or kept from working."""

    trouble: Trouble
    at: float
    pids: Sequence[int] = ()


@dataclass(frozen=True)
class Seen:
    """Everything that the verdict is about. Jobs by prefix."""

    plan: Plan
    #: When each accepted job's adding began (s, monotonic).
    accepted: Mapping[str, Mapping[str, tuple[NewJob, float]]]
    happened: Sequence[Happened]
    records: Mapping[str, Record]
    #: Of each job: state, reason, recoveries.
    fates: Mapping[str, Mapping[str, tuple[str, str, int]]]
    #: Keys beside those of a queue that nobody works on, jobs that the audit complains of, and so on.
    leaks: Mapping[str, Sequence[str]]
    exit_codes: Sequence[int]
    seconds: float


@dataclass
class Soak:
    """A plan on a server of its own, in a folder. `tell` gets a line from time to time."""

    plan: Plan
    seed: int
    folder: Path
    tell: Callable[[str], object] = lambda line: None
    _happened: list[Happened] = field(default_factory=list)
    _accepted: dict[str, dict[str, tuple[NewJob, float]]] = field(default_factory=dict)

    def run(self) -> Seen:
        data = self.folder / "redis"
        data.mkdir()
        self._random = Random(self.seed)
        settings = {"appendonly": "yes", "appendfsync": "always"}
        self._server = RedisServer(directory=data, settings=settings)
        began = time.monotonic()
        with self._server, Wire(self._server.port) as self._wire:
            self._crew = Crew(self.folder, self._wire.url)
            try:
                self._crew.start()
                self._live()
                self._drain()
                codes = self._crew.stop()
                return self._seen(codes, time.monotonic() - began)
            finally:
                self._crew.kill()

    def _live(self) -> None:
        """Work and troubles, each at its time."""
        work = self.plan.work(self._random)
        troubles = self.plan.schedule(self._random)
        began, told = time.monotonic(), 0
        while work or troubles:
            elapsed = time.monotonic() - began
            due = len(work) if elapsed > self.plan.seconds else self._due(len(work), elapsed)
            self._add(work[:due])
            del work[:due]
            if troubles and elapsed > troubles[0][0]:
                self._make(troubles.pop(0)[1])
            self._crew.wake()
            if elapsed > told * 60:
                told += 1
                self.tell(f"{elapsed:4.0f} s: {len(work):,} jobs and {len(troubles)} troubles to come")
            time.sleep(_TICK)

    def _due(self, left: int, elapsed: float) -> int:
        """Jobs to add now, so that the last comes with the last trouble."""
        return max(0, left - round(self.plan.jobs * (1 - elapsed / self.plan.seconds)))

    def _add(self, jobs: Sequence[NewJob]) -> None:
        """Every other batch for each prefix; once more until the server has said yes."""
        for batch in _batches(jobs, 50):
            prefix = self._random.choice(PREFIXES)
            while True:
                began = time.monotonic()
                with suppress(RedisError):
                    self._queue(prefix).enqueue_many(batch)
                    break
                time.sleep(_TICK)
            self._accepted.setdefault(prefix, {}).update({job.id: (job, began) for job in batch})

    def _make(self, trouble: Trouble) -> None:
        awake = self._crew.awake()
        number = self._random.choice(awake) if awake else 0
        at, pids = time.monotonic(), list[int]()
        match trouble:
            case "kill a child":
                pids = [self._random.choice(children)] if (children := self._crew.children(number)) else []
                for pid in pids:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            case "kill a supervisor":
                pids = self._crew.children(number)
                self._crew.apps[number].kill()
                self._crew.launch(number)
            case "stop past the lease":
                pids = self._crew.children(number)
                self._crew.send_to_sleep(number, _SLEEP)
            case "restart Redis":
                self._random.choice([self._server.kill, self._server.stop])()
                self._server.start()
            case "cut silently":
                self._wire.cut_silently()
        self._happened.append(Happened(trouble, at, pids))

    def _drain(self) -> None:
        """Until every job has ended and every instance is known again, or nothing moves any more."""
        end = time.monotonic() + _DRAIN
        while time.monotonic() < end and not all(map(self._is_done, self._accepted)):
            self._crew.wake()
            time.sleep(0.1)

    def _is_done(self, prefix: str) -> bool:
        queue = self._queue(prefix)
        counts = queue.counts()
        instances = queue.redis.zcard(queue.keys.instances)
        return not (counts.waiting or counts.active or counts.delayed) and instances == PREFIXES.count(prefix)

    def _queue(self, prefix: str) -> Queue:
        return Queue("alpha", self._redis, prefix)

    @property
    def _redis(self) -> Redis:
        return client(self._server.url)

    def _seen(self, codes: Sequence[int], seconds: float) -> Seen:
        fates: dict[str, dict[str, tuple[str, str, int]]] = {}
        wrong: list[str] = []
        for prefix, jobs in self._accepted.items():
            queue = self._queue(prefix)
            found = [job for some in _batches([*jobs], 1_000) for job in queue.get_many(some)]
            fates[prefix] = {job.id: (job.state, job.reason or "", job.recoveries) for job in found}
            wrong += [f"{prefix}: {problem}" for problem in audit.problems(queue)]
        leaks = {
            "jobs in a wrong place": wrong,
            "keys": sorted(self._left_keys()),
            "files": self._crew.left_files(),
            "bugs in the logs": self._crew.tracebacks(),
            "processes": [*map(str, self._crew.left_processes())],
        }
        records = {prefix: Record.read(self._crew.record(prefix)) for prefix in self._accepted}
        return Seen(self.plan, self._accepted, self._happened, records, fates, leaks, codes, seconds)

    def _left_keys(self) -> set[str]:
        """All but what a queue has on which nobody works and nothing waits."""
        kept = {
            key
            for prefix, jobs in self._accepted.items()
            for keys in [self._queue(prefix).keys]
            for key in [keys.dead, keys.completed, keys.stats, keys.meta, keys.lanes, *map(keys.job, jobs)]
        }
        return {*self._redis.scan_iter(count=1_000)} - kept


def _batches(things: Sequence[Thing], size: int) -> Iterator[Sequence[Thing]]:
    return (things[start : start + size] for start in range(0, len(things), size))
