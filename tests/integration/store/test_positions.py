"""Jobs in the middle of a long list are found by its order, not by searching it."""

from __future__ import annotations

import pytest
from redis import Redis

from preppath_workers import NewJob, Queue

#: More than are searched one by one from both ends.
LONG = 12_000


@pytest.fixture
def long_queue(redis: Redis, key_prefix: str) -> Queue:
    """A queue of which each third is less urgent than the one in front of it."""
    queue = Queue("tts", redis, key_prefix)
    redis.hset(queue.keys.meta, "rawInside", 1)  # keeps it one list
    for priority in (22, 21, 20):
        queue.enqueue_many(
            NewJob({}, id=f"j{priority}-{number}", priority=priority) for number in range(LONG // 3)
        )
    return queue


def searches(redis: Redis) -> int:
    stats = redis.info("commandstats")
    return int(stats["cmdstat_lpos"]["calls"]) if "cmdstat_lpos" in stats else 0


def test_job_in_the_middle_of_a_long_list_is_located_cancelled_and_moved_without_a_search(
    long_queue: Queue, redis: Redis
) -> None:
    order = [*map(str, reversed(redis.lrange(long_queue.keys.wait, 0, -1)))]
    near_ends = 2
    for ahead in (LONG // 2, LONG // 2 - 300, LONG - 6_000):
        before = searches(redis)
        assert long_queue.locate(order[ahead], None).ahead == ahead
        assert searches(redis) - before == near_ends

    before = searches(redis)
    long_queue.cancel(order[6_000])
    long_queue.prioritize(order[5_500], 1)
    assert searches(redis) - before == 2 * near_ends
    assert long_queue.locate(order[5_500], None).ahead == 0
    assert long_queue.locate(order[6_001], None).ahead == 6_000
    assert redis.llen(long_queue.keys.wait) == LONG - 1


def test_job_out_of_order_in_a_long_list_is_located_moved_and_cancelled_by_a_search(
    long_queue: Queue, redis: Redis
) -> None:
    """Edited by hand, or placed while the clock was wrong."""
    ahead = LONG // 2
    order = [*map(str, reversed(redis.lrange(long_queue.keys.wait, 0, -1)))]
    for job_id in order[ahead : ahead + 2]:
        redis.hset(long_queue.keys.job(job_id), "createdAt", 1)
    assert long_queue.locate(order[ahead], None).ahead == ahead

    long_queue.prioritize(order[ahead], 1)
    long_queue.cancel(order[ahead + 1])

    left = [order[ahead], *order[:ahead], *order[ahead + 2 :]]
    assert [*map(str, reversed(redis.lrange(long_queue.keys.wait, 0, -1)))] == left
