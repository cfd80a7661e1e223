"""preppath-workers: the real supervisor, with retries, ownership, counters; BENCH_LIMIT sets a rate limit."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from redis import Redis

from preppath_workers import NewJob, Queue
from preppath_workers.registry import JobContext
from tests.integration.worker.starting import supervise
from tests.support.minimal_env import MINIMAL_ENV

from . import driver

driver.load_libraries()


def handle(context: JobContext, services: object) -> Mapping[str, Any]:
    return driver.run(dict(context.data))


def work(processes: int) -> None:
    os.environ.update(
        {
            **MINIMAL_ENV,
            "LOG_LEVEL": "warning",
            "BENCH_CONCURRENCY": str(processes),
            "BENCH_RATE_LIMIT": os.environ.get("BENCH_LIMIT", ""),
        }
    )
    sys.exit(supervise({"bench": handle}))


def _add(job: dict[str, Any]) -> None:
    queue.enqueue(job, id=job["id"] if job["seconds"] else None)


def _add_many(jobs: Sequence[dict[str, Any]]) -> None:
    queue.enqueue_many(NewJob(job) for job in jobs)


if __name__ == "__main__":
    queue = Queue("bench", Redis.from_url(os.environ["REDIS_URL"]))
    driver.main(_add, _add_many, work)
