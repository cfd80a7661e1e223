"""Jobs of many paid requests: one that has no more time is left to the next attempt, and not interrupted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from redis import Redis

from preppath_workers import Queue
from preppath_workers.config.model import QueueConfig
from preppath_workers.errors import Snooze
from preppath_workers.jobs.paid_requests import PaidRequests
from preppath_workers.registry import JobContext
from preppath_workers.testing import FakeContext

from .one_attempt import attempt, config_of, consuming

PARTS = 6

#: Runs the next attempt with this time limit, s, and settles it; returns the verdict.
Work = Callable[[Callable[[JobContext], object], float], str]


@pytest.fixture
def work(redis_url: str, key_prefix: str) -> Iterator[Work]:
    with consuming(config_of(redis_url, key_prefix), QueueConfig("tts")) as consumer:
        yield lambda handle, time_limit: attempt(consumer, handle, time_limit=time_limit).verdict


def test_job_with_more_requests_than_its_time_limit_allows_completes_without_a_failure(
    redis: Redis, key_prefix: str, work: Work
) -> None:
    """Each attempt was interrupted in a request, which was paid for again, and counted."""
    queue = Queue("tts", redis, key_prefix)
    queue.enqueue({}, id="j")
    sent, lefts = [], []

    def request(number: int) -> int:
        sent.append(number)
        time.sleep(0.1)
        return number

    def handle(context: JobContext) -> None:
        requests = PaidRequests(context)
        for number in range(PARTS):
            context.step(f"part-{number}", lambda number=number: requests.make(partial(request, number)))
            lefts.append(context.time_left)

    verdicts = []
    while verdicts[-1:] != ["completed"]:
        verdicts.append(work(handle, 0.35))

    assert sent == list(range(PARTS)), "none was sent twice"
    assert 2 <= len(verdicts) <= PARTS
    assert set(verdicts[:-1]) == {"released"}
    assert min(lefts) > 0
    job = queue.get("j")
    assert job
    assert (job.failures, job.attempts) == (0, 1)


def test_first_request_of_an_attempt_is_made_however_little_time_is_left() -> None:
    """Otherwise no attempt would make progress."""
    requests = PaidRequests(FakeContext(time_left=0.001))

    requests.make(partial(time.sleep, 0.01))

    with pytest.raises(Snooze, match="time limit"):
        requests.make(partial(time.sleep, 0.01))
