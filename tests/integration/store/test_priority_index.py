"""The order of `wait`, in lists long enough for every way to find a place."""

from __future__ import annotations

from random import Random

import pytest

from .redis_state import RedisState

#: Priorities as producers use them: mostly the default, some more and some less urgent.
PRIORITIES = (50,) * 6 + (1, 10, 10, 49, 51, 90)


def enqueue(redis_state: RedisState, jobs: list[tuple[str, int]]) -> None:
    words = [word for job_id, priority in jobs for word in (job_id, "{}", priority, 0)]
    assert redis_state.call("enqueue", *words) == [1] * len(jobs)


def in_order(redis_state: RedisState) -> list[str]:
    """Return the ids in the order in which they will run."""
    waiting: list[str] = redis_state.redis.lrange(redis_state.keys.wait, 0, -1)
    return waiting[::-1]


@pytest.mark.parametrize("seed", range(2))
def test_wait_after_many_enqueues_is_ordered_by_priority_then_arrival(
    redis_state: RedisState, seed: int
) -> None:
    random = Random(seed)
    jobs: list[tuple[str, int]] = []
    while len(jobs) < 3_000:
        batch = [
            (f"{len(jobs) + number:05}", random.choice(PRIORITIES))
            for number in range(random.choice([1, 1, 1, 2, 40, 300]))
        ]
        enqueue(redis_state, batch)
        jobs += batch

    # Sorting is stable: within one priority they stay as they came.
    assert in_order(redis_state) == [job_id for job_id, _ in sorted(jobs, key=lambda job: job[1])]


@pytest.mark.parametrize("priority", [1, 10, 50, 90])
def test_release_puts_a_job_before_others_of_its_priority(redis_state: RedisState, priority: int) -> None:
    priority_index = {number: [f"{number}-{index}" for index in range(400)] for number in (1, 10, 50, 90)}
    enqueue(redis_state, [(job_id, number) for number, ids in priority_index.items() for job_id in ids])
    redis_state.redis.hset(
        redis_state.keys.job("back"), mapping={"state": "active", "workerId": "host:0", "priority": priority}
    )
    redis_state.redis.hset(redis_state.keys.job("back"), "fencingToken", 1)
    redis_state.redis.rpush(redis_state.keys.active("host:0"), "back")

    assert redis_state.call("release", "back", "host:0", 1, 0, "") == ["released"]

    priority_index[priority].insert(0, "back")
    assert in_order(redis_state) == [job_id for ids in priority_index.values() for job_id in ids]


def test_enqueue_with_a_stale_index_entry_skips_it(redis_state: RedisState) -> None:
    """The entry's job has left the list."""
    enqueue(redis_state, [("urgent", 1), *((f"{index}", 50) for index in range(1_000))])
    redis_state.take("host:0")

    enqueue(redis_state, [("a", 10), ("b", 10)])

    assert in_order(redis_state)[:3] == ["a", "b", "0"]
    assert redis_state.read()["priority_index"] == {"b": 10, "999": 50}
