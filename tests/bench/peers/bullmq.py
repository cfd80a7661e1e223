"""BullMQ for Python: one event loop per process, with ten jobs at a time; results are kept."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from functools import cache
from typing import Any

from bullmq import Queue, Worker

from . import driver

driver.load_libraries()


async def run(job: Any, token: str) -> dict[str, Any]:
    return driver.run(job.data)


def work(processes: int) -> None:
    async def forever() -> None:
        _worker = Worker("bench", run, {"connection": os.environ["REDIS_URL"], "concurrency": 10})
        await asyncio.Event().wait()

    driver.fork_all(processes, lambda: asyncio.run(forever()))


async def _add(job: dict[str, Any]) -> None:
    await _queue().add("run", job)


async def _add_many(jobs: Sequence[dict[str, Any]]) -> None:
    for start in range(0, len(jobs), 1_000):
        await _queue().addBulk([{"name": "run", "data": job} for job in jobs[start : start + 1_000]])


@cache
def _queue() -> Queue:
    return Queue("bench", {"connection": os.environ["REDIS_URL"]})


if __name__ == "__main__":
    driver.main(_add, _add_many, work)
