"""A slot of a worker that is not there, so that tests can move jobs on by themselves."""

from __future__ import annotations

from preppath_workers.config.load import load
from preppath_workers.config.model import QueueConfig
from preppath_workers.store.consumer import Consumer
from preppath_workers.store.job import Job
from tests.support.minimal_env import MINIMAL_ENV


def open_consumer(redis_url: str, key_prefix: str, queue: str) -> Consumer:
    """Slot 0 of an instance `test`."""
    variables = {
        "REDIS_URL": redis_url,
        "KEY_PREFIX": key_prefix,
        **MINIMAL_ENV,
    }
    config = load(variables, [QueueConfig(queue)])
    return Consumer(config, config.queues[0], "test", 0)


def take(consumer: Consumer) -> Job:
    """The next job, which there must be. A slot's first turn only looks whether it holds one already."""
    while True:
        consumer.settle_and_fetch()
        job = consumer.next_job()
        if isinstance(job, Job):
            return job
