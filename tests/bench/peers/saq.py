"""SAQ: one event loop per process, with ten jobs at a time, its default; results are kept."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import Any

from saq import Queue, Worker

from . import driver

driver.load_libraries()


async def run(context: object, *, job: dict[str, Any]) -> dict[str, Any]:
    return driver.run(job)


def work(processes: int) -> None:
    def body() -> None:
        queue = Queue.from_url(os.environ["REDIS_URL"], name="bench")
        asyncio.run(Worker(queue, functions=[("run", run)]).start())

    driver.fork_all(processes, body)


if __name__ == "__main__":
    queue = Queue.from_url(os.environ["REDIS_URL"], name="bench")

    async def add(job: dict[str, Any]) -> None:
        await queue.enqueue("run", job=job)

    async def add_many(jobs: Sequence[dict[str, Any]]) -> None:
        for job in jobs:
            await add(job)

    driver.main(add, add_many, work)
