"""One soak: cause the troubles while jobs are added and run, wait for the end, return what was observed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TypeVar

from preppath_workers import Queue
from preppath_workers.store import repair
from preppath_workers.store.connections.connection import client
from tests.support.redis import RedisServer

from . import producer
from .observations import Fate, Happened, Observations
from .plan import LEASE, PREFIXES, Plan, Trouble
from .processes import Processes
from .proxy_process import Proxy
from .record import Record

Thing = TypeVar("Thing")

#: Seconds between two checks of what is due.
_TICK = 0.02

#: Seconds that a supervisor is suspended: past its lease.
_SLEEP = LEASE + 1.5

#: Seconds within which all jobs must end after the last trouble: a lease, the timeout of a silent
#: connection, the remaining work, and a slow machine.
_DRAIN = 180.0

_ACCEPTED = "accepted"


@dataclass
class Soak:
    """A plan on a server of its own, in a folder. `tell` receives a line each minute."""

    plan: Plan
    seed: int
    folder: Path
    tell: Callable[[str], object] = lambda line: None
    _happened: list[Happened] = field(default_factory=list)

    def run(self) -> Observations:
        data = self.folder / "redis"
        data.mkdir()
        self._random = Random(self.seed)
        settings = {"appendonly": "yes", "appendfsync": "always"}
        self._server = RedisServer(directory=data, settings=settings)
        # Not through the proxy: what is observed must not depend on the troubles.
        self._redis = client(self._server.url)
        began = time.monotonic()
        with self._server, Proxy(self._server.port) as self._proxy:
            self._processes = Processes(self.folder, self._proxy.url)
            adding = producer.start(self.plan, self.seed, self._proxy.url, self.folder / _ACCEPTED)
            try:
                self._processes.start()
                self._live()
                adding.join(_DRAIN)
                self._drain()
                codes = self._processes.stop()
                return self._seen(codes, time.monotonic() - began)
            finally:
                self._processes.kill()
                adding.kill()

    def _live(self) -> None:
        """Cause each trouble at its time, or as soon as a supervisor runs that it can hit."""
        troubles = self.plan.schedule(self._random)
        began, reported = time.monotonic(), 0
        while troubles:
            elapsed = time.monotonic() - began
            if elapsed > troubles[0][0] and self._has_made(troubles[0][1]):
                del troubles[0]
            self._processes.resume()
            if elapsed > reported * 60:
                reported += 1
                self.tell(f"{elapsed:4.0f} s: {len(troubles)} troubles to come")
            time.sleep(_TICK)

    def _has_made(self, trouble: Trouble) -> bool:
        match trouble:
            case "restart Redis":
                return self._restart()
            case "cut silently":
                at = time.monotonic()
                return self._proxy.cut_silently() and self._note(trouble, at)
            case _:
                return self._has_hit(trouble)

    def _restart(self) -> bool:
        """Kill the server and stop it cleanly alternately; it starts again with what it had on disk."""
        at = time.monotonic()
        restarts = sum(happened.trouble == "restart Redis" for happened in self._happened)
        (self._server.stop if restarts % 2 else self._server.kill)()
        self._server.start()
        return self._note("restart Redis", at)

    def _has_hit(self, trouble: Trouble) -> bool:
        if not (running := self._processes.running()):
            return False
        number, at = self._random.choice(running), time.monotonic()
        match trouble:
            case "kill a process":
                pids = self._processes.kill_process(number, self._random.choice)
            case "kill a supervisor":
                pids = self._processes.kill_supervisor(number)
            case _:
                pids = self._processes.suspend(number, _SLEEP)
        return bool(pids) and self._note(trouble, at, pids, number, PREFIXES[number])

    def _note(
        self,
        trouble: Trouble,
        at: float,
        pids: Sequence[int] = (),
        number: int | None = None,
        prefix: str = "",
    ) -> bool:
        self._happened.append(Happened(trouble, at, time.monotonic(), pids, number, prefix))
        return True

    def _drain(self) -> None:
        """Wait until every job has ended and every instance is registered again, or the time is up."""
        end = time.monotonic() + _DRAIN
        while time.monotonic() < end and not all(map(self._is_done, PREFIXES)):
            self._processes.resume()
            time.sleep(0.1)

    def _is_done(self, prefix: str) -> bool:
        queue = self._queue(prefix)
        instances = queue.redis.zcard(queue.keys.instances)
        return not queue.counts().unfinished and instances == PREFIXES.count(prefix)

    def _queue(self, prefix: str) -> Queue:
        return Queue("alpha", self._redis, prefix)

    def _seen(self, codes: Sequence[int], seconds: float) -> Observations:
        accepted = producer.accepted(self.plan, self.seed, self.folder / _ACCEPTED)
        leaks = {
            "jobs in a wrong place": [
                f"{prefix}: {problem}"
                for prefix in accepted
                for problem in repair.find_problems(self._queue(prefix))
            ],
            "keys": sorted(self._left_keys({prefix: [*jobs] for prefix, jobs in accepted.items()})),
            "files": self._processes.left_files(),
            "bugs in the logs": self._processes.tracebacks(),
            "processes that outlived their supervisor": self._processes.orphans,
            "processes in the end": self._processes.left_processes(),
        }
        return Observations(
            self.plan,
            accepted,
            self._happened,
            {prefix: Record.read(self._processes.record(prefix)) for prefix in accepted},
            {prefix: self._fates(prefix, [*jobs]) for prefix, jobs in accepted.items()},
            {what: [*map(str, left)] for what, left in leaks.items()},
            self._processes.presumed_dead(),
            codes,
            seconds,
        )

    def _fates(self, prefix: str, jobs: Sequence[str]) -> dict[str, Fate]:
        queue = self._queue(prefix)
        fates: dict[str, Fate] = {}
        for ids in _batches(jobs, 1_000):
            with self._redis.pipeline(transaction=False) as pipeline:
                for job_id in ids:
                    pipeline.ttl(queue.keys.job(job_id))
                expires = dict(zip(ids, pipeline.execute(), strict=True))
            for job in queue.get_many(ids):
                fates[job.id] = Fate(
                    job.state,
                    job.reason or "",
                    job.recoveries,
                    expires[job.id] > 0,
                    int(job.fields.get("excused", 0)),
                )
        return fates

    def _left_keys(self, jobs: dict[str, list[str]]) -> set[str]:
        """Return all keys but those of a queue without workers and waiting jobs."""
        kept = {
            key
            for prefix, ids in jobs.items()
            for keys in [self._queue(prefix).keys]
            for key in [
                keys.dead,
                keys.completed,
                keys.stats,
                keys.causes,
                keys.durations,
                keys.history,
                keys.gate,
                keys.meta,
                keys.priority_index,
                keys.limit,
                *map(keys.job, ids),
            ]
        }
        return {*self._redis.scan_iter(count=1_000)} - kept


def _batches(things: Sequence[Thing], size: int) -> Iterator[Sequence[Thing]]:
    return (things[start : start + size] for start in range(0, len(things), size))
