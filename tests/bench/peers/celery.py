"""Celery: prefork, acks_late, a prefetch of one; results are kept; without gossip, mingle and heartbeats."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery, group

from . import driver

driver.load_libraries()

app = Celery("tests.bench.peers.celery", broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"])
app.conf.update(
    task_acks_late=True,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    task_reject_on_worker_lost=bool(os.environ.get("CELERY_REJECT")),
)


@app.task(name="run")
def run(job: dict[str, Any]) -> dict[str, Any]:
    return driver.run(job)


def work(processes: int) -> None:
    quiet = ["--loglevel=WARNING", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    threads = driver.at_once(0)
    pool = ["--pool=threads", f"--concurrency={threads}"] if threads else [f"--concurrency={processes}"]
    app.worker_main(["worker", *pool, *quiet])


if __name__ == "__main__":
    driver.main(
        lambda job: app.send_task("run", [job]) and None,
        lambda jobs: group(run.s(job) for job in jobs).apply_async() and None,
        work,
    )
