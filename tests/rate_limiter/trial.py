"""Three instances with wrong clocks on one queue with a rate limit, and what an onlooker saw of them."""

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

#: Seconds that the instances' clocks are wrong by.
SKEWS = ("18000", "-25200", "jumps")
#: Seconds between two looks at the queue: many within each duration, so that no token comes and goes unseen.
LOOK = 0.05
#: Workers of each instance, and what a job takes them, ms.
WORKERS, RUN_MS = 3, 20

#: Something that is done to the instances at each look.
Disturb = Callable[[Sequence[App]], None]


@dataclass(frozen=True)
class Seen:
    """What there was to see. All moments are in ms by the right clock, which is the server's too."""

    limit: RateLimit
    #: Of each token that was spent, by its name in Redis (job#fence#time): the server's record.
    tokens: Mapping[str, float]
    #: Of each run of a job, as its handler wrote it down: the record of somebody outside.
    runs: Sequence[tuple[str, float]]
    #: Starts that were taken back when the instances were told to stop, just before their handlers.
    given_back: int
    #: Of the jobs that came one by one while there were tokens: how long each waited for its start.
    waits: Sequence[float]
    #: How late this process woke from its own sleeps meanwhile: what the machine does to everybody.
    oversleep: float

    @property
    def delays(self) -> list[float]:
        """The way of each run from its start by the server's clock to its handler's first line."""
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
        """Where one handler begins a little late, the next ones look early. So the windows in which they may
        not see too many are shorter, by the longest delay."""
        return fullest_window([at for _, at in self.runs], self.limit.duration * 1000 - max(self.delays))

    @property
    def utilisation(self) -> float:
        return utilisation([*self.tokens.values()], self.limit)

    @property
    def lateness(self) -> list[float]:
        return lateness([*self.tokens.values()], self.limit)


def job_of(token: str) -> str:
    """The job that a token was spent on."""
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

    def run(self) -> Seen:
        queue = Queue("alpha", self.redis, self.prefix)
        apps = [self._app(number, skew) for number, skew in enumerate(SKEWS)]
        try:
            for app in apps:
                app.launch()
            for app in apps:
                eventually(lambda app=app: len(app.workers()) == WORKERS, deadline=30)
            waits = self._one_by_one(queue)
            self._backlog(queue, apps)
            assert queue.counts().waiting, "it was a backlog to the end"
            for app in apps:
                app.send(signal.SIGTERM)
            for app in apps:
                app.wait()
            self._look(queue)
            self._read_jobs(queue)
        finally:
            for app in apps:
                app.kill()
        given_back = queue.statistics().get("released", 0)
        return Seen(self.limit, self._tokens, self._runs(), given_back, waits, mean(self._oversleeps))

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
        """As many jobs as there are tokens, each as soon as the one before has run."""
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
        """Their last starts: what was not seen because this process slept through a token's whole life."""
        for job in queue.get_many({job_id for job_id, _ in self._runs()}):
            self._tokens[f"{job.id}#{job.fencing_token}#{job.started_at}"] = float(job.started_at or 0)


def _now() -> float:
    return time.clock_gettime(time.CLOCK_REALTIME) * 1000
