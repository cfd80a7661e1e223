"""One attempt at a queue's next job, in the test's process."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import cast

from preppath_workers.clients.services import Services
from preppath_workers.config.load import load
from preppath_workers.config.model import Config, QueueConfig
from preppath_workers.registry import JobContext
from preppath_workers.store.consuming.consumer import Consumer
from preppath_workers.store.consuming.outcome import Finished, Settlement
from preppath_workers.store.job import Job
from preppath_workers.worker.attempt.execution import WorkerContext, run
from preppath_workers.worker.attempt.payments import PaymentTerms
from tests.support.minimal_env import MINIMAL_ENV


def config_of(redis_url: str, prefix: str) -> Config:
    return load({**MINIMAL_ENV, "REDIS_URL": redis_url, "KEY_PREFIX": prefix}, [])


@contextmanager
def consuming(config: Config, settings: QueueConfig) -> Iterator[Consumer]:
    """The consumer of one slot, without a supervisor."""
    consumer = Consumer(config, settings, "host", 0)
    yield consumer
    consumer.disconnect()


def next_job(consumer: Consumer) -> Job:
    consumer.settle_and_fetch()
    job = consumer.next_job()
    assert isinstance(job, Job)
    return job


def attempt(
    consumer: Consumer,
    handle: Callable[[JobContext], object],
    payments: PaymentTerms | None = None,
    time_limit: float = math.inf,
) -> Settlement:
    """Run the next job with this handler, and settle it. Nothing interrupts it at its time limit."""
    job = next_job(consumer)
    context = WorkerContext(
        lambda context, _: handle(context),
        cast("Services", None),
        consumer.running_job,
        hold=1.0,
        secrets=(),
        payments=payments or PaymentTerms(),
        time_limit=time_limit,
    )
    settlement = consumer.settle(Finished(job, run(job, context, nullcontext()), 0))
    assert settlement
    return settlement
