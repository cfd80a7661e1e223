"""A slot of a worker that is not there, so that tests can move jobs on by themselves."""

from __future__ import annotations

from preppath_workers.config import load
from preppath_workers.queue.job import Job
from preppath_workers.queue.slot import Slot
from preppath_workers.settings import QueueConfig
from tests.nowhere import NOWHERE


def open_slot(redis_url: str, key_prefix: str, queue: str) -> Slot:
    """Slot 0 of an instance `test`."""
    variables = {
        "REDIS_URL": redis_url,
        "KEY_PREFIX": key_prefix,
        **NOWHERE,
    }
    config = load(variables, [QueueConfig(queue)])
    return Slot(config, config.queues[0], "test", 0)


def take(slot: Slot) -> Job:
    """The next job, which there must be. A slot's first turn only looks whether it holds one already."""
    while True:
        slot.begin_turn()
        job = slot.end_turn()
        if isinstance(job, Job):
            return job
