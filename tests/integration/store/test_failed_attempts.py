"""A job keeps its latest failed attempts, for those who look at it."""

from __future__ import annotations

import json

from preppath_workers.store.job import Job

from .redis_state import NOW, RedisState
from .state_table import HELD, RUNS


def test_retry_keeps_the_latest_failed_attempts_for_onlookers(redis_state: RedisState) -> None:
    redis_state.write(RUNS)
    key = redis_state.keys.job("a")
    error = json.dumps({"class": "Broken", "message": "é" * 400})
    for attempt in range(12):
        redis_state.redis.hset(key, mapping={"state": "active", "startedAt": attempt})
        redis_state.redis.zrem(redis_state.keys.delayed, "a")
        redis_state.call("retry", *HELD, error, "unknown", "", str(attempt), 99, 1, 1, 0, 0, 9, 9)

    kept = Job("tts", "a", redis_state.redis.hgetall(key)).failed_attempts
    assert [attempt["startedAt"] for attempt in kept] == list(range(2, 12))
    assert kept[-1] == {
        "startedAt": 11,
        "failedAt": NOW,
        "workerId": "host:0",
        "class": "Broken",
        "message": "é" * 149,
    }
