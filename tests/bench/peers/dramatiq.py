"""Dramatiq: default settings, with eight threads per process; results are kept."""

from __future__ import annotations

import os
import sys
from typing import Any

import dramatiq
from dramatiq import cli
from dramatiq.brokers.redis import RedisBroker
from dramatiq.results import Results
from dramatiq.results.backends.redis import RedisBackend

from . import driver

driver.load_libraries()

broker = RedisBroker(url=os.environ["REDIS_URL"])
broker.add_middleware(Results(backend=RedisBackend(url=os.environ["REDIS_URL"])))
dramatiq.set_broker(broker)


@dramatiq.actor(store_results=True, queue_name="bench", actor_name="run")
def run(job: dict[str, Any]) -> dict[str, Any]:
    return driver.run(job)


def work(processes: int) -> None:
    words = [__spec__.name, "--processes", str(processes), "--threads", str(driver.at_once(8))]
    sys.exit(cli.main(cli.make_argument_parser().parse_args(words)))


def _add(job: dict[str, Any]) -> None:
    run.send(job)


if __name__ == "__main__":
    driver.main(_add, lambda jobs: [_add(job) for job in jobs] and None, work)
