"""Twenty workers of two queues, a vendor that fails some requests, and the means to kill workers."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from redis import Redis

from preppath_workers import NewJob, Queue
from tests.fake_openai.control import OpenAIServer
from tests.support.process import ROOT, children_of
from tests.support.redis import RedisServer
from tests.support.servers import running

from .jobs import HEAR, QUEUES, SCORE, SPEAK

#: Users whose jobs take turns.
_USERS = 10

#: How the vendor fails, one request in five.
_ANY: tuple[Mapping[str, Any], ...] = (
    {"status": 500},
    {"cut": "before"},
    {"cut": "middle"},
    {"latency": 0.5},
)
_LIMITED: Mapping[str, Any] = {"status": 429, "headers": {"retry-after": "0"}}
FAULTS: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    SCORE: (*_ANY, _LIMITED, {"finish_reason": "length"}, {"content": "no JSON"}),
    HEAR: (*_ANY, _LIMITED, {"body": "no JSON"}),
    SPEAK: (*_ANY, {"close": 1011}, {"ends": "failed"}, {"ends": "incomplete"}, {"body": "no JSON"}),
}


class Environment:
    """The servers and one supervisor."""

    def __init__(self, redis: Redis, vendor: OpenAIServer, log: Path, environment: Mapping[str, str]) -> None:
        self.redis = redis
        self.vendor = vendor
        self.queues = {name: Queue(name, redis) for name in QUEUES}
        self.kills = 0
        self._log = log
        self._environment = environment
        self._app: subprocess.Popen[bytes] | None = None

    def start(self, **caps: str) -> None:
        """Start the workers, with these variables."""
        with self._log.open("ab") as log:
            self._app = subprocess.Popen(
                [sys.executable, "-m", "preppath_workers", "run", "tests.budget.jobs"],
                cwd=ROOT,
                env={**os.environ, **self._environment, **caps},
                stderr=log,
            )

    def stop(self) -> None:
        """Stop the workers by SIGTERM."""
        if self._app:
            self._app.terminate()
            self._app.wait(60)
            self._app = None

    def enqueue(self, jobs: int, rng: random.Random, *kinds: str) -> None:
        """Add jobs of these kinds to both queues, with answers of various lengths."""

        def data(number: int) -> dict[str, str]:
            kind = kinds[number % len(kinds)]
            words = rng.randrange(5, 200 if kind == "score" else 20)
            return {"do": kind, "answer": "word " * words, "userId": f"u{number % _USERS}"}

        for name, queue in self.queues.items():
            numbers = range(jobs // len(QUEUES))
            queue.enqueue_many(NewJob(data(number), id=f"{name}-{number}") for number in numbers)

    def order_faults(self, count: int, rng: random.Random) -> None:
        """Order faults among the next requests: every fifth one."""
        ordered: list[Mapping[str, Any]] = []
        for path, faults in FAULTS.items():
            for _ in range(count // len(FAULTS)):
                ordered += [
                    {"path": path, "times": rng.randrange(2, 7)},
                    {"path": path, **rng.choice(faults)},
                ]
        self.vendor.order(*ordered)

    def kill_a_worker(self, rng: random.Random) -> None:
        """Kill a worker that runs a job, if there is one."""
        assert self._app
        busy = [pid for pid in map(int, children_of(self._app.pid)) if " job " in _title(pid)]
        if busy:
            os.kill(rng.choice(busy), signal.SIGKILL)
            self.kills += 1

    def is_done(self) -> bool:
        """Return whether no job waits, runs or is delayed."""
        return not any(queue.counts().unfinished for queue in self.queues.values())


def _title(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


@contextmanager
def set_up(folder: Path, latency: float) -> Iterator[Environment]:
    """Yield an environment with servers of its own; stop everything at the end."""
    server, vendor = RedisServer(), OpenAIServer(latency=latency)
    with running(server), running(vendor), Redis.from_url(server.url, decode_responses=True) as redis:
        variables = {
            "REDIS_URL": server.url,
            "OPENAI_API_KEY": "sk-trial",
            "OPENAI_BASE_URL": vendor.base_url,
            "OPENAI_EVALUATION_MAX_TOKENS": "1000",
            "LOG_FORMAT": "json",
            "LOG_LEVEL": "warning",
            "PROBE_SECONDS": "1",
            "LEASE_SECONDS": "5",
        }
        environment = Environment(redis, vendor, folder / "log", variables)
        try:
            yield environment
        finally:
            environment.stop()


def until(condition: Callable[[], bool], seconds: float, each: Callable[[], None] = lambda: None) -> bool:
    """Wait until the condition is true, and call `each` meanwhile; return whether it was in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        each()
        time.sleep(0.05)
    return True
