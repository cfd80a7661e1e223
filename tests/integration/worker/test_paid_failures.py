"""Answers that were charged and failed: each attempt that pays for one counts, also in an outage."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from redis import Redis

from preppath_workers import Queue
from preppath_workers.clients.usage import Usage
from preppath_workers.config.model import QueueConfig
from preppath_workers.errors import JobError, RateLimited, ServiceError
from preppath_workers.registry import JobContext

from .one_attempt import attempt, config_of, consuming

SETTINGS = QueueConfig("tts", retries=1, backoff=0.0)
WORST = Usage("gpt-6-luna", {"output": 200})

#: Runs the next job's attempt with this handler and settles it; returns the verdict.
Work = Callable[[Callable[[JobContext], object]], str]


@pytest.fixture
def queue(redis: Redis, key_prefix: str) -> Queue:
    return Queue("tts", redis, key_prefix)


@pytest.fixture
def work(redis_url: str, key_prefix: str) -> Iterator[Work]:
    with consuming(config_of(redis_url, key_prefix), SETTINGS) as consumer:
        yield lambda handle: attempt(consumer, handle).verdict


def failing(usage: Usage | None, error: JobError | None = None) -> Callable[[JobContext], None]:
    """Return a handler whose request has this usage and fails, because of the service by default."""

    def fail(context: JobContext) -> None:
        with context.payment(WORST) as payment:
            if usage:
                payment.charge(usage)
            raise error or ServiceError("openai", "an upstream failed")

    return fail


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        (Usage("gpt-6-luna", {"output": 100}), True),
        (Usage("a-model-without-a-price", {"output": 100}), True),
        (Usage("a-model-without-a-price", {"output": 0}), False),
        (Usage("gpt-6-luna", {"output": 0}), False),
        (None, False),
    ],
    ids=[
        "charged",
        "charged without a price",
        "charged nothing without a price",
        "charged nothing",
        "not charged",
    ],
)
def test_failure_of_a_service_counts_if_its_answer_was_charged(
    queue: Queue, work: Work, usage: Usage | None, counts: bool
) -> None:
    """Each probe would pay for it, until the service has been away for a day."""
    for number in range(3):
        queue.enqueue({"n": number}, id=f"j{number}")
    for _ in range(3):
        work(failing(usage))

    assert queue.gate().out_of_service
    failures = [job.failures for number in range(3) if (job := queue.get(f"j{number}"))]
    assert failures == [1 if counts else 0] * 3


def test_charged_failure_that_refuses_all_takes_the_queue_out_of_service_at_once(
    queue: Queue, work: Work
) -> None:
    queue.enqueue({}, id="j")
    error = ServiceError("openai", "the account is empty", refuses_all=True)
    work(failing(Usage("gpt-6-luna", {"output": 1}), error))

    assert queue.gate().out_of_service


@pytest.mark.parametrize("output", [0, 1])
def test_rate_limit_counts_if_its_answer_was_charged(queue: Queue, work: Work, output: int) -> None:
    """Each of twenty uncounted attempts would pay for it."""
    queue.enqueue({}, id="j")
    work(failing(Usage("gpt-6-luna", {"output": output}), RateLimited("too many tokens", 0.5)))

    job = queue.get("j")
    assert job
    assert (job.state, job.failures) == (("delayed", 1) if output else ("waiting", 0))
    assert output == 0 or "too many tokens" in str(job.error)
