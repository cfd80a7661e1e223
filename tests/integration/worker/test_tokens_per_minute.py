"""Paid requests under a limit of tokens a minute."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from preppath_workers import NewJob, Queue
from preppath_workers.clients.usage import Usage
from preppath_workers.config.model import QueueConfig
from preppath_workers.errors import ServiceError
from preppath_workers.registry import JobContext
from preppath_workers.store.consuming.outcome import Settlement
from preppath_workers.worker.attempt.payments import PaymentTerms

from .one_attempt import attempt, config_of, consuming

SETTINGS = QueueConfig("tts", backoff=0.0)
#: A request of at most 600 tokens that uses 100.
WORST, USED = Usage("gpt-6-luna", {"output": 600}), Usage("gpt-6-luna", {"input": 60, "output": 40})

Work = Callable[..., Settlement]


def pay(context: JobContext) -> None:
    with context.payment(WORST) as payment:
        payment.charge(USED)


@pytest.fixture
def work(redis_url: str, key_prefix: str) -> Iterator[Work]:
    """Run the next job's attempt under a limit of tokens a minute, and settle it."""
    with consuming(config_of(redis_url, key_prefix), SETTINGS) as consumer:
        yield lambda limit, handle=pay: attempt(consumer, handle, PaymentTerms(tokens_per_minute=limit))


def left(queue: Queue) -> int:
    redis: Any = queue.redis
    return int(redis.hget(queue.keys.model_tokens, "left"))


def test_request_gives_back_what_it_did_not_use(queue: Queue, work: Work) -> None:
    queue.enqueue({})
    assert work(1_000).verdict == "completed"
    assert 900 <= left(queue) <= 1_000


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ServiceError("openai", "no connection"), range(990, 1_001)),
        (ServiceError("openai", "silent", may_be_paid=True), range(400, 500)),
    ],
    ids=["not sent", "no answer"],
)
def test_failed_request_gives_all_back_unless_it_may_have_been_answered(
    queue: Queue, work: Work, error: Exception, expected: range
) -> None:
    def fail(context: JobContext) -> None:
        with context.payment(WORST):
            raise error

    queue.enqueue({})
    work(1_000, fail)
    assert left(queue) in expected


def test_request_waits_for_its_tokens(queue: Queue, work: Work) -> None:
    queue.enqueue_many([NewJob({}), NewJob({})])
    work(6_000, lambda context: _use(context, 5_600))
    began = time.monotonic()
    assert work(6_000).verdict == "completed"
    assert time.monotonic() - began > 1


def test_job_with_a_long_wait_is_delayed_uncounted(
    queue: Queue, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("preppath_workers.worker.attempt.payments._MAX_WAIT", 0.1)
    queue.enqueue_many([NewJob({}), NewJob({})])
    work(1_000, lambda context: _use(context, 1_000))
    assert work(1_000).verdict == "released"
    [waiting] = queue.jobs("delayed")
    assert (waiting.stage, waiting.attempts) == ("waiting for tokens per minute", 0)


def _use(context: JobContext, tokens: int) -> None:
    with context.payment(Usage("gpt-6-luna", {"output": tokens})) as payment:
        payment.charge(Usage("gpt-6-luna", {"output": tokens}))
