"""Damaged data of an outage loses no job."""

from __future__ import annotations

import pytest
from redis.exceptions import ResponseError

from ..failing import failing
from ..redis_state import RedisState
from .steps import add, start


def test_queue_with_a_wrong_stats_type_still_closes(queue: RedisState) -> None:
    add(queue, "a", "b", "c")
    queue.redis.delete(queue.keys.stats)
    queue.redis.set(queue.keys.stats, "not a hash")
    for job_id in "abc":
        queue.call("promote_job", job_id)
        start(queue)
        fencing_token = queue.redis.hget(queue.keys.job(job_id), "fencingToken")
        reply = queue.call("retry", job_id, "host:0", fencing_token, *failing(kind="service", service="s3"))
    assert reply[3] == "closed"


@pytest.mark.parametrize(
    "streak", ["{}", "[]", "null", '{"jobs":{"x":"y","b":{}}}', '{"jobs":[1],"alike":3}', "{"]
)
def test_retry_with_a_damaged_streak_loses_no_job(queue: RedisState, streak: str) -> None:
    add(queue, "a")
    start(queue)
    queue.redis.hset(queue.keys.gate, "streak", streak)
    reply = queue.call("retry", "a", "host:0", 1, *failing(kind="refused", service="s3"))
    assert reply == ["delayed", 1_000, "excused", "closed"]


def test_retry_with_a_wrong_gate_type_leaves_the_job_in_its_slot(queue: RedisState) -> None:
    add(queue, "a")
    start(queue)
    queue.redis.set(queue.keys.gate, "not a hash")
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        queue.call("retry", "a", "host:0", 1, *failing(kind="service", service="s3"))
    assert queue.redis.lrange(queue.keys.active("host:0"), 0, -1) == ["a"]
