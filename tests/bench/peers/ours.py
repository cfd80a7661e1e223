"""preppath-workers: the real supervisor, with retries, ownership, counters; BENCH_LIMIT sets a rate limit."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any
from unittest.mock import Mock

from redis import Redis

from preppath_workers import NewJob, Queue, config, log
from preppath_workers.handlers.kind import Attempt, Trade
from preppath_workers.processes.supervisor import Supervisor
from preppath_workers.settings import Config, QueueConfig
from tests.bench.peers import driver

driver.load_libraries()


def handle(attempt: Attempt, services: object) -> Mapping[str, Any]:
    return driver.run(dict(attempt.data))


def work(processes: int) -> None:
    settings = {
        "REDIS_URL": os.environ["REDIS_URL"],
        "OPENAI_API_KEY": "sk-nobody",
        "S3_BUCKET": "nothing",
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/nothing",
        "LOG_LEVEL": "warning",
        "BENCH_CONCURRENCY": str(processes),
        "BENCH_RATE_LIMIT": os.environ.get("BENCH_LIMIT", ""),
    }

    def load() -> Config:
        loaded = config.load(settings, (QueueConfig("bench"),))
        log.configure(loaded.log, loaded.secrets())
        return loaded

    sys.exit(Supervisor(load(), Trade({"bench": handle}, lambda _: Mock()), load).run())


def _add(job: dict[str, Any]) -> None:
    queue.enqueue(job, id=job["id"] if job["seconds"] else None)


def _add_many(jobs: Sequence[dict[str, Any]]) -> None:
    queue.enqueue_many(NewJob(job) for job in jobs)


if __name__ == "__main__":
    queue = Queue("bench", Redis.from_url(os.environ["REDIS_URL"]))
    driver.main(_add, _add_many, work)
