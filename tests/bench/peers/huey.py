"""huey: worker processes; results are kept. It runs jobs at most once, by design."""

from __future__ import annotations

import logging
import os
from typing import Any

from huey import RedisHuey

from . import driver

driver.load_libraries()

huey = RedisHuey("bench", url=os.environ["REDIS_URL"])


@huey.task(name="run")
def run(job: dict[str, Any]) -> dict[str, Any]:
    return driver.run(job)


def work(processes: int) -> None:
    logging.getLogger("huey").setLevel(logging.WARNING)
    huey.create_consumer(workers=processes, worker_type="process").run()


def _add(job: dict[str, Any]) -> None:
    run(job)


if __name__ == "__main__":
    driver.main(_add, lambda jobs: [_add(job) for job in jobs] and None, work)
