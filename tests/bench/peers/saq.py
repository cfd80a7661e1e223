"""SAQ: one event loop per process, with ten jobs at a time, its default; results are kept."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from saq import Queue, Worker

from . import driver

driver.load_libraries()


async def run(context: object, *, job: dict[str, Any]) -> dict[str, Any]:
    return await asyncio.to_thread(driver.run, job) if driver.at_once(0) else driver.run(job)


async def _serve(worker: Worker) -> None:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(driver.at_once(10)))
    await worker.start()


def work(processes: int) -> None:
    def body() -> None:
        queue = Queue.from_url(os.environ["REDIS_URL"], name="bench")
        asyncio.run(_serve(Worker(queue, functions=[("run", run)], concurrency=driver.at_once(10))))

    driver.fork_all(processes, body)


if __name__ == "__main__":
    queue = Queue.from_url(os.environ["REDIS_URL"], name="bench")

    async def add(job: dict[str, Any]) -> None:
        await queue.enqueue("run", job=job)

    async def add_many(jobs: Sequence[dict[str, Any]]) -> None:
        for job in jobs:
            await add(job)

    driver.main(add, add_many, work)
