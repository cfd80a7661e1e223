"""Paid requests of a worker that are to become rows of PostgreSQL."""

from __future__ import annotations

import json
from contextlib import nullcontext
from typing import Any, cast

import pytest
from redis import Redis

from preppath_workers import Queue
from preppath_workers.clients.services import Services
from preppath_workers.clients.usage import Usage
from preppath_workers.config.load import load
from preppath_workers.config.model import QueueConfig
from preppath_workers.registry import JobContext
from preppath_workers.store.consuming.consumer import Consumer
from preppath_workers.store.consuming.outcome import Finished
from preppath_workers.store.job import Job
from preppath_workers.worker.attempt.execution import WorkerContext, run
from preppath_workers.worker.attempt.payments import PaymentTerms
from tests.support.minimal_env import MINIMAL_ENV

WORST, USED = Usage("gpt-6-luna", {"output": 600}), Usage("gpt-6-luna", {"input": 60}, request_id="r1")


def pay(context: JobContext) -> None:
    with context.payment(WORST) as payment:
        payment.charge(USED)


@pytest.mark.parametrize("is_on", [False, True])
def test_worker_lists_its_paid_requests_if_rows_are_asked_for(
    redis: Redis, redis_url: str, key_prefix: str, is_on: bool
) -> None:
    variables = {"REDIS_URL": redis_url, "KEY_PREFIX": key_prefix, "LEDGER_ROWS": "on" if is_on else ""}
    config = load({**MINIMAL_ENV, **variables}, [])
    queue = Queue("tts", redis, key_prefix)
    queue.enqueue({"userId": "u1"}, id="q1")
    consumer = Consumer(config, QueueConfig("tts"), "host", 0)
    consumer.settle_and_fetch()
    job = consumer.next_job()
    assert isinstance(job, Job)
    terms = PaymentTerms(ledger_rows=config.ledger_rows)
    context = WorkerContext(
        lambda context, _: pay(context), cast("Services", None), consumer.running_job, 1.0, (), terms
    )
    consumer.settle(Finished(job, run(job, context, nullcontext()), 0))
    consumer.disconnect()

    client: Any = redis
    calls = [json.loads(entry) for entry in client.lrange(queue.keys.cost_rows, 0, -1)]
    names = ("job", "user", "model", "kind", "requestId")
    expected = [["q1", "u1", "gpt-6-luna", "actual", "r1"]] if is_on else []
    assert [[call[name] for name in names] for call in calls] == expected
