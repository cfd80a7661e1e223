"""preppath-workers: the real supervisor, with retries, ownership, counters; BENCH_LIMIT sets a rate limit."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from redis import Redis

from preppath_workers import NewJob, Queue
from preppath_workers.clients.services import Services
from preppath_workers.jobs.evaluation.prompt import SCHEMA
from preppath_workers.registry import JobContext, job
from preppath_workers.worker.run import run_workers
from tests.integration.worker.starting import supervise
from tests.support.minimal_env import MINIMAL_ENV

from . import driver

driver.load_libraries()


def handle(context: JobContext, services: object) -> Mapping[str, Any]:
    return driver.run(dict(context.data))


@job("bench", services=("openai",))
def evaluate(context: JobContext, services: Services) -> Mapping[str, Any]:
    """Wait for an HTTP answer, as PrepPath's evaluation does."""
    return services.openai.evaluate([{"role": "user", "content": context.data["question"]}], SCHEMA)


def work(processes: int) -> None:
    os.environ.update(
        {
            **MINIMAL_ENV,
            "LOG_LEVEL": "warning",
            "BENCH_CONCURRENCY": str(processes),
            "BENCH_RATE_LIMIT": os.environ.get("BENCH_LIMIT", ""),
        }
    )
    if url := os.environ.get("BENCH_WAIT_URL"):
        os.environ["OPENAI_BASE_URL"] = url
        sys.exit(run_workers(evaluate))
    sys.exit(supervise({"bench": handle}))


def _add(job: dict[str, Any]) -> None:
    queue.enqueue(job, id=job["id"] if job["seconds"] else None)


def _add_many(jobs: Sequence[dict[str, Any]]) -> None:
    queue.enqueue_many(NewJob(job) for job in jobs)


if __name__ == "__main__":
    queue = Queue("bench", Redis.from_url(os.environ["REDIS_URL"]))
    driver.main(_add, _add_many, work)
