"""The rate limit as a whole: any number of children, any limit, any luck, in virtual time."""

from __future__ import annotations

from random import Random

import pytest

from .bench import Bench
from .simulation import Conditions, Start, work

JOBS = 80


def enqueue(bench: Bench) -> list[str]:
    ids = [f"j{number:03}" for number in range(JOBS)]
    bench.call("enqueue", *(word for job_id in ids for word in (job_id, "{}", 50, 0)))
    return ids


def assert_no_window_holds_too_many(starts: list[Start], conditions: Conditions) -> None:
    moments = [start.at for start in starts]
    for first, beyond in zip(moments, moments[conditions.max :], strict=False):
        assert beyond - first >= conditions.duration, conditions


@pytest.mark.parametrize("seed", range(6))
def test_children_that_wake_in_time_start_jobs_in_order_and_waste_no_token(bench: Bench, seed: int) -> None:
    random = Random(seed)
    conditions = Conditions.random(random, oversleep=False)
    ids = enqueue(bench)

    starts = work(bench, conditions, random)

    assert_no_window_holds_too_many(starts, conditions)
    # Children that wake within one millisecond have no order among each other.
    assert [start.job_id for start in sorted(starts, key=lambda start: (start.at, start.job_id))] == ids


@pytest.mark.parametrize(("children", "limit"), [(1, 1), (3, 10), (5, 5), (12, 2), (10, 7)])
def test_a_busy_queue_spends_every_token_the_moment_it_is_there(
    bench: Bench, children: int, limit: int
) -> None:
    conditions = Conditions(children, limit, duration=1_000, run_ms=0)
    enqueue(bench)

    starts = work(bench, conditions, Random(0))

    ideal = [1_000 * (number // limit) for number in range(JOBS)]
    assert [start.at - starts[0].at for start in starts] == ideal


@pytest.mark.parametrize("seed", range(8))
def test_children_that_oversleep_and_die_never_break_the_limit(bench: Bench, seed: int) -> None:
    random = Random(1_000 + seed)
    conditions = Conditions.random(random, oversleep=True)
    ids = enqueue(bench)

    starts = work(bench, conditions, random)

    assert_no_window_holds_too_many(starts, conditions)
    assert {start.job_id for start in starts} == {*ids}
    state = bench.read()
    assert state["stats"]["completed"] == JOBS
    assert not {"wait", "active", "reserved", "dead"} & state.keys()


def test_children_that_come_a_little_late_still_spend_most_tokens(bench: Bench) -> None:
    conditions = Conditions(children=8, max=5, duration=1_000, run_ms=100, oversleep_ms=20)
    enqueue(bench)

    starts = work(bench, conditions, Random(7))

    took = starts[-1].at - starts[0].at
    ideal = 1_000 * ((JOBS - 1) // conditions.max)
    assert took <= 1.05 * ideal
