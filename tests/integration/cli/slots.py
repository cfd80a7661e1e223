"""A consumer without a worker process, so that tests can take and settle jobs themselves."""

from __future__ import annotations

from preppath_workers.config.load import load
from preppath_workers.config.model import QueueConfig
from preppath_workers.store.consuming.consumer import Consumer
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
    """The next job, which must exist. A consumer's first fetch only looks at what its slot already holds."""
    while True:
        consumer.settle_and_fetch()
        job = consumer.next_job()
        if isinstance(job, Job):
            return job
