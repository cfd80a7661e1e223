"""The rate limit as a whole: any number of children, any limit, any luck, in virtual time."""

from __future__ import annotations

from random import Random

import pytest

from .redis_state import RedisState
from .virtual_workers import Conditions, Start, work

JOBS = 80


def enqueue(redis_state: RedisState) -> list[str]:
    ids = [f"j{number:03}" for number in range(JOBS)]
    redis_state.call("enqueue", *(word for job_id in ids for word in (job_id, "{}", 50, 0)))
    return ids


def assert_no_window_holds_too_many(starts: list[Start], conditions: Conditions) -> None:
    moments = [start.at for start in starts]
    for first, beyond in zip(moments, moments[conditions.max :], strict=False):
        assert beyond - first >= conditions.duration, conditions


@pytest.mark.parametrize("seed", range(6))
def test_children_that_wake_in_time_start_jobs_in_order_and_waste_no_token(
    redis_state: RedisState, seed: int
) -> None:
    random = Random(seed)
    conditions = Conditions.random(random, oversleep=False)
    ids = enqueue(redis_state)

    starts = work(redis_state, conditions, random)

    assert_no_window_holds_too_many(starts, conditions)
    # Children that wake within one millisecond have no order among each other.
    assert [start.job_id for start in sorted(starts, key=lambda start: (start.at, start.job_id))] == ids


@pytest.mark.parametrize(("children", "limit"), [(1, 1), (3, 10), (5, 5), (12, 2), (10, 7)])
def test_a_busy_queue_spends_every_token_the_moment_it_is_there(
    redis_state: RedisState, children: int, limit: int
) -> None:
    conditions = Conditions(children, limit, duration=1_000, run_ms=0)
    enqueue(redis_state)

    starts = work(redis_state, conditions, Random(0))

    ideal = [1_000 * (number // limit) for number in range(JOBS)]
    assert [start.at - starts[0].at for start in starts] == ideal


@pytest.mark.parametrize("seed", range(8))
def test_children_that_oversleep_and_die_never_break_the_limit(redis_state: RedisState, seed: int) -> None:
    random = Random(1_000 + seed)
    conditions = Conditions.random(random, oversleep=True)
    ids = enqueue(redis_state)

    starts = work(redis_state, conditions, random)

    assert_no_window_holds_too_many(starts, conditions)
    assert {start.job_id for start in starts} == {*ids}
    state = redis_state.read()
    assert state["stats"]["completed"] == JOBS
    assert not {"wait", "active", "reservations", "dead"} & state.keys()


def test_children_that_come_a_little_late_still_spend_most_tokens(redis_state: RedisState) -> None:
    conditions = Conditions(children=8, max=5, duration=1_000, run_ms=100, oversleep_ms=20)
    enqueue(redis_state)

    starts = work(redis_state, conditions, Random(7))

    took = starts[-1].at - starts[0].at
    ideal = 1_000 * ((JOBS - 1) // conditions.max)
    assert took <= 1.05 * ideal
