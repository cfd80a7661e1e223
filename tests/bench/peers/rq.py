"""RQ: one SimpleWorker per process; with RQ_FORK its default Worker, which forks for each job."""

from __future__ import annotations

import os

from redis import Redis
from rq import Queue, SimpleWorker, Worker

from . import driver

driver.load_libraries()


def _queue() -> Queue:
    return Queue("bench", connection=Redis.from_url(os.environ["REDIS_URL"]))


def work(processes: int) -> None:
    kind = Worker if os.environ.get("RQ_FORK") else SimpleWorker
    driver.fork_all(
        processes, lambda: kind([_queue()], connection=_queue().connection).work(logging_level="WARNING")
    )


if __name__ == "__main__":
    queue = _queue()
    driver.main(
        lambda job: queue.enqueue(driver.run, job) and None,
        lambda jobs: queue.enqueue_many([Queue.prepare_data(driver.run, (job,)) for job in jobs]) and None,
        work,
    )
