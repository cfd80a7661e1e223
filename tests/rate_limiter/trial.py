"""Three instances with wrong clocks work a queue with a rate limit; a process beside them observes it."""

from __future__ import annotations

import signal
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from statistics import mean

from redis import Redis

from preppath_workers import NewJob, Queue
from preppath_workers.config.model import RateLimit
from tests.integration.worker.harness import App
from tests.support.minimal_env import MINIMAL_ENV
from tests.support.waiting import eventually

from .figures import fullest_window, lateness, utilisation

#: How wrong the instances' clocks are, in seconds.
SKEWS = ("18000", "-25200", "jumps")
#: Seconds between two reads of the queue: many within each duration, so that every token is observed.
LOOK = 0.05
#: Workers of each instance, and milliseconds that a job takes.
WORKERS, RUN_MS = 3, 20

#: Called with the instances after each read.
Disturb = Callable[[Sequence[App]], None]


@dataclass(frozen=True)
class Observations:
    """What was observed. Times are in ms by the right clock, which the server has too."""

    limit: RateLimit
    #: When each token was acquired, by its name in Redis (job#fencing token#time): the server's record.
    tokens: Mapping[str, float]
    #: When each run of a job began, as its handler noted it: a record outside Redis.
    runs: Sequence[tuple[str, float]]
    #: Starts that were undone because the instance was asked to stop just before the handler.
    undone: int
    #: How long each job waited for its start, of those that were added one by one while there were tokens.
    waits: Sequence[float]
    #: How late this process woke from its own sleeps, on average: what the busy machine costs everything.
    oversleep: float

    @property
    def delays(self) -> list[float]:
        """Time of each run from its start by the server's clock to the first line of its handler."""
        spent: dict[str, list[float]] = defaultdict(list)
        for name, at in sorted(self.tokens.items(), key=itemgetter(1)):
            spent[job_of(name)].append(at)
        return [
            at - max((start for start in spent[job_id] if start <= at), default=spent[job_id][0])
            for job_id, at in self.runs
        ]

    @property
    def fullest_by_server(self) -> int:
        return fullest_window([*self.tokens.values()], self.limit.duration * 1000)

    @property
    def fullest_by_handlers(self) -> int:
        """If a handler begins late, those after it seem early. So the window is shorter by the longest
        delay."""
        return fullest_window([at for _, at in self.runs], self.limit.duration * 1000 - max(self.delays))

    @property
    def utilisation(self) -> float:
        return utilisation([*self.tokens.values()], self.limit)

    @property
    def lateness(self) -> list[float]:
        return lateness([*self.tokens.values()], self.limit)


def job_of(token: str) -> str:
    """Return the job that acquired the token."""
    return token.split("#")[0]


@dataclass
class Trial:
    """`seconds` of a backlog under a limit, in a folder of its own."""

    redis: Redis
    url: str
    prefix: str
    folder: Path
    limit: RateLimit
    seconds: float
    disturb: Disturb = lambda apps: None
    _tokens: dict[str, float] = field(default_factory=dict)
    _oversleeps: list[float] = field(default_factory=list)

    def run(self) -> Observations:
        queue = Queue("alpha", self.redis, self.prefix)
        apps = [self._app(number, skew) for number, skew in enumerate(SKEWS)]
        try:
            for app in apps:
                app.launch()
            for app in apps:
                eventually(lambda app=app: len(app.workers()) == WORKERS, deadline=30)
            waits = self._one_by_one(queue)
            self._backlog(queue, apps)
            assert queue.counts().waiting, "the backlog ended too soon"
            for app in apps:
                app.send(signal.SIGTERM)
            for app in apps:
                app.wait()
            self._look(queue)
            self._read_jobs(queue)
        finally:
            for app in apps:
                app.kill()
        undone = queue.statistics().get("released", 0)
        return Observations(self.limit, self._tokens, self._runs(), undone, waits, mean(self._oversleeps))

    def _app(self, number: int, skew: str) -> App:
        folder = self.folder / f"app{number}"
        folder.mkdir()
        variables = {
            "REDIS_URL": self.url,
            "KEY_PREFIX": self.prefix,
            **MINIMAL_ENV,
            "HANDLER_RECORD": str(self._record),
            "LOG_LEVEL": "debug",
            "LOG_FORMAT": "json",
            "LEASE_SECONDS": "3",
            "ALPHA_CONCURRENCY": str(WORKERS),
            "ALPHA_RATE_LIMIT": str(self.limit),
            "SKEW": skew,
        }
        return App(folder, variables, module="tests.rate_limiter.app")

    @property
    def _record(self) -> Path:
        return self.folder / "record"

    def _runs(self) -> list[tuple[str, float]]:
        lines = self._record.read_text(encoding="utf-8").splitlines() if self._record.exists() else []
        return [(words[1], float(words[3])) for words in map(str.split, lines)]

    def _one_by_one(self, queue: Queue) -> list[float]:
        """Add as many jobs as there are tokens, each as soon as the one before has run; return how long each
        waited."""
        waits = []
        for number in range(self.limit.max):
            added = _now()
            queue.enqueue({"ms": 0}, id=f"single-{number}")
            eventually(lambda ran=number: len(self._runs()) > ran)
            waits.append(self._runs()[-1][1] - added)
        return waits

    def _backlog(self, queue: Queue, apps: Sequence[App]) -> None:
        allowed = self.limit.max * (self.seconds / self.limit.duration + 2)
        queue.enqueue_many(NewJob({"ms": RUN_MS}, id=f"j{number}") for number in range(round(allowed)))
        end = time.monotonic() + self.seconds
        while (began := time.monotonic()) < end:
            self._look(queue)
            self.disturb(apps)
            time.sleep(LOOK)
            self._oversleeps.append((time.monotonic() - began - LOOK) * 1000)

    def _look(self, queue: Queue) -> None:
        self._tokens.update(self.redis.zrange(queue.keys.tokens, 0, -1, withscores=True))

    def _read_jobs(self, queue: Queue) -> None:
        """Add the last start of each job, in case this process slept through the whole life of its token."""
        for job in queue.get_many({job_id for job_id, _ in self._runs()}):
            self._tokens[f"{job.id}#{job.fencing_token}#{job.started_at}"] = float(job.started_at or 0)


def _now() -> float:
    return time.clock_gettime(time.CLOCK_REALTIME) * 1000
