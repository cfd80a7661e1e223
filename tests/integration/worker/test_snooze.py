"""A handler that snoozes, or names a budget that is spent, for no time at all: its job was started again at
once, thousands of times a second."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from preppath_workers import JobContext, Queue, job
from preppath_workers.errors import BudgetSpent, Snooze
from preppath_workers.store.consuming.consumer import Consumer
from preppath_workers.testing import drain

from .capped_worker import SETTINGS
from .one_attempt import attempt, config_of, consuming

#: Times that end at once, or that are not times.
NONE = [0, -5, float("nan"), float("inf"), 1e-9, None, "soon"]


@pytest.fixture
def consumer(redis_url: str, key_prefix: str) -> Iterator[Consumer]:
    with consuming(config_of(redis_url, key_prefix), SETTINGS) as consumer:
        yield consumer


def due_in_ms(queue: Queue, job_id: str) -> float:
    """How long the job is delayed."""
    redis: Any = queue.redis
    seconds, micros = redis.time()
    return float(redis.zscore(queue.keys.base + "delayed", job_id)) - (seconds * 1000 + micros // 1000)


@pytest.mark.parametrize("seconds", NONE, ids=repr)
def test_snooze_of_no_time_is_one_of_a_second(consumer: Consumer, queue: Queue, seconds: Any) -> None:
    def handle(_: JobContext) -> None:
        raise Snooze("later", seconds)

    ref = queue.enqueue({}, id="j")
    assert attempt(consumer, handle).verdict == "released"

    assert ref.status().state == "delayed"
    assert 500 < due_in_ms(queue, "j") <= 1_000
    assert ref.status().attempts == 0


def test_snooze_of_an_attempt_that_has_stored_something_continues_at_once_in_front(
    consumer: Consumer, queue: Queue
) -> None:
    """A long job goes on before those that wait behind it."""

    def step(context: JobContext) -> None:
        context.step("first", lambda: 1)
        raise Snooze("go on")

    def keep(context: JobContext) -> None:
        context.keep("second", lambda: b"", lambda _: None)
        raise Snooze("go on")

    long = queue.enqueue({})
    for handle in (step, keep):
        queue.enqueue({})
        attempt(consumer, handle)
        assert long.status().state == "waiting"
    attempt(consumer, step)
    assert long.status().state == "delayed", "the step was stored by an earlier attempt"


@pytest.mark.parametrize("seconds", NONE, ids=repr)
@pytest.mark.parametrize("scope", ["all", "user u1"])
def test_budget_that_is_spent_for_no_time_is_so_for_a_second(
    consumer: Consumer, queue: Queue, scope: str, seconds: Any
) -> None:
    def handle(_: JobContext) -> None:
        raise BudgetSpent(scope, "day", seconds, 1)

    queue.enqueue({}, id="j")
    attempt(consumer, handle)

    left = queue.gate().held_ms if scope == "all" else due_in_ms(queue, "j")
    assert 500 < left <= 1_000


def test_drain_of_a_job_that_always_snoozes_for_no_time_ends(queue: Queue) -> None:
    @job("tts")
    def snooze(context: JobContext) -> None:
        context.snooze(0)

    queue.enqueue({}, id="j")
    [ended] = drain(queue, snooze)
    assert ended.state == "delayed"
