"""Long queues whose users don't take turns: what is behind the first jobs waits in `later`."""

from __future__ import annotations

import pytest

from .redis_state import RedisState

#: The most jobs that `wait` keeps if they have different priorities.
LONG_MIXED = 5_000

#: The same if all of them have one priority.
LONG_EQUAL = 50_000


def enqueue(queue: RedisState, *ids: str, priority: int = 50) -> None:
    words = [word for job_id in ids for word in (job_id, "{}", priority, 0)]
    assert queue.call("enqueue", *words) == [1] * len(ids)


@pytest.fixture
def mixed(redis_state: RedisState) -> RedisState:
    """A queue without turns, and more jobs than go to `later` at once in front of less urgent ones: there
    were raw pushes between them."""
    redis_state.redis.hset(redis_state.keys.meta, "rawInside", 1)
    for priority in (90, 50):
        for first in range(0, LONG_MIXED, 500):
            ids = [f"p{priority}-{number}" for number in range(first, first + 500)]
            enqueue(redis_state, *ids, priority=priority)
    redis_state.redis.hdel(redis_state.keys.meta, "rawInside")
    return redis_state


def whole_order(queue: RedisState) -> list[str]:
    """Return all waiting jobs, without the checks of `in_order`, which take long for many."""
    later = queue.redis.zrange(queue.keys.later, 0, -1)
    return [
        *queue.redis.lrange(queue.keys.wait, 0, -1)[::-1],
        *(member.partition(" ")[2] for member in later),
    ]


def test_promote_due_keeps_the_list_short_if_priorities_differ(mixed: RedisState) -> None:
    """A job that goes into the middle of a long list would block the server."""
    before = whole_order(mixed)

    calls = 1
    while mixed.call("promote_due", 500) == [0, 0]:
        calls += 1

    assert mixed.redis.llen(mixed.keys.wait) < LONG_MIXED + 50
    assert calls > 10  # each moves few jobs, and Redis serves other clients in between
    assert whole_order(mixed) == before
    enqueue(mixed, "n1", "n2", priority=50)
    enqueue(mixed, "n3", "n4", priority=90)
    assert whole_order(mixed) == [*before[:LONG_MIXED], "n1", "n2", *before[LONG_MIXED:], "n3", "n4"]


def test_last_jobs_of_a_long_list_are_placed_in_later_if_priorities_differ(mixed: RedisState) -> None:
    before = whole_order(mixed)

    enqueue(mixed, "n1", "n2", priority=90)

    assert mixed.redis.zcard(mixed.keys.later) == 2
    assert whole_order(mixed) == [*before, "n1", "n2"]


def test_enqueue_of_jobs_with_mixed_priorities_keeps_the_list_short(redis_state: RedisState) -> None:
    """Many that are added in bulk, before a janitor looks."""
    added: list[tuple[int, str]] = []
    for first in range(0, 3 * LONG_MIXED, 300):
        new = [(number * 7 % 3, f"n{number}") for number in range(first, first + 300)]
        words = [word for priority, job_id in new for word in (job_id, "{}", 40 + priority, 0)]
        redis_state.call("enqueue", *words)
        added += new

    assert redis_state.redis.llen(redis_state.keys.wait) < LONG_MIXED + 300
    assert whole_order(redis_state) == [job_id for _, job_id in sorted(added, key=lambda job: job[0])]


def test_enqueue_of_urgent_jobs_shortens_a_long_list(equal: RedisState) -> None:
    before = whole_order(equal)

    enqueue(equal, "u1", "u2", priority=1)

    assert equal.redis.llen(equal.keys.wait) == LONG_EQUAL + 200 + 2 - 50
    assert whole_order(equal) == ["u1", "u2", *before]


@pytest.fixture
def equal(redis_state: RedisState) -> RedisState:
    """A queue without turns, with more jobs of one priority than `wait` keeps: jobs were added one by one."""
    excess = [f"n{number}" for number in range(200)]
    enqueue(redis_state, "last")
    redis_state.redis.rpush(redis_state.keys.wait, *(f"w{number}" for number in range(LONG_EQUAL - 1)))
    for job_id in excess:
        enqueue(redis_state, job_id)
    assert redis_state.redis.llen(redis_state.keys.wait) == LONG_EQUAL + 200
    return redis_state


def test_promote_due_keeps_the_list_short_if_all_jobs_have_one_priority(equal: RedisState) -> None:
    """Removing a job from the middle of a long list would block the server."""
    before = whole_order(equal)

    calls = 1
    while equal.call("promote_due", 500) == [0, 0]:
        calls += 1

    assert calls > 1
    assert equal.redis.llen(equal.keys.wait) < LONG_EQUAL + 50
    assert whole_order(equal) == before
    enqueue(equal, "one")
    enqueue(equal, "two", "three")
    equal.call("prioritize", "n150", 1)
    equal.call("cancel", "n151")
    before.remove("n151")
    before.remove("n150")
    assert whole_order(equal) == ["n150", *before, "one", "two", "three"]


def test_last_jobs_of_a_long_list_are_placed_in_later_if_all_have_one_priority(equal: RedisState) -> None:
    before = whole_order(equal)
    new = [f"b{number}" for number in range(600)]

    enqueue(equal, *new)

    assert equal.redis.zcard(equal.keys.later) == len(new)
    assert whole_order(equal) == [*before, *new]


def test_list_with_raw_pushes_in_its_middle_stays_one_list(equal: RedisState) -> None:
    """Those without an id would have to wait for the jobs that moved to `later`."""
    equal.push(*['{"raw":1}'] * 600)
    before = equal.redis.llen(equal.keys.wait)

    equal.call("promote_due", 500)
    equal.call("promote_due", 500)
    enqueue(equal, "one", "two")

    assert equal.redis.llen(equal.keys.wait) == before + 2
    assert not equal.redis.exists(equal.keys.later)


def test_queue_forgets_raw_pushes_when_no_job_waits(equal: RedisState) -> None:
    equal.push(*['{"raw":1}'] * 600)
    equal.call("promote_due", 500)
    equal.redis.delete(equal.keys.wait)

    equal.call("promote_due", 500)

    assert not equal.redis.hexists(equal.keys.meta, "rawInside")
