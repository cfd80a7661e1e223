"""The order of `wait`, in lists that are long enough for every way to find a place in them."""

from __future__ import annotations

from random import Random

import pytest

from .bench import Bench

#: Priorities as producers use them: most jobs have the default, some are urgent, some can wait.
PRIORITIES = (50,) * 6 + (1, 10, 10, 49, 51, 90)


def enqueue(bench: Bench, jobs: list[tuple[str, int]]) -> None:
    words = [word for job_id, priority in jobs for word in (job_id, "{}", priority, 0)]
    assert bench.call("enqueue", *words) == [1] * len(jobs)


def in_order(bench: Bench) -> list[str]:
    """The ids in the order they will run."""
    waiting: list[str] = bench.redis.lrange(bench.keys.wait, 0, -1)
    return waiting[::-1]


@pytest.mark.parametrize("seed", range(3))
def test_jobs_stand_by_priority_and_in_the_order_they_came(bench: Bench, seed: int) -> None:
    random, bench = Random(seed), bench
    jobs: list[tuple[str, int]] = []
    while len(jobs) < 3_000:
        batch = [
            (f"{len(jobs) + number:05}", random.choice(PRIORITIES))
            for number in range(random.choice([1, 1, 1, 2, 40, 300]))
        ]
        enqueue(bench, batch)
        jobs += batch

    # Sorting is stable: within one priority they stay as they came.
    assert in_order(bench) == [job_id for job_id, _ in sorted(jobs, key=lambda job: job[1])]


@pytest.mark.parametrize("priority", [1, 10, 50, 90])
def test_a_job_that_goes_back_stands_before_those_of_its_priority(bench: Bench, priority: int) -> None:
    bench = bench
    lanes = {number: [f"{number}-{index}" for index in range(400)] for number in (1, 10, 50, 90)}
    enqueue(bench, [(job_id, number) for number, ids in lanes.items() for job_id in ids])
    bench.redis.hset(
        bench.keys.job("back"), mapping={"state": "active", "owner": "host:0", "priority": priority}
    )
    bench.redis.hset(bench.keys.job("back"), "fence", 1)
    bench.redis.rpush(bench.keys.active("host:0"), "back")

    assert bench.call("release", "back", "host:0", 1, 0, "") == ["released"]

    lanes[priority].insert(0, "back")
    assert in_order(bench) == [job_id for ids in lanes.values() for job_id in ids]


def test_a_lane_that_has_left_is_passed_over(bench: Bench) -> None:
    """Its pointer is still there, and not in the list any more, wherever one looks."""
    bench = bench
    enqueue(bench, [("urgent", 1), *((f"{index}", 50) for index in range(1_000))])
    bench.take("host:0")

    enqueue(bench, [("a", 10), ("b", 10)])

    assert in_order(bench)[:3] == ["a", "b", "0"]
    assert bench.read()["lanes"] == {"b": 10, "999": 50}
