"""promote_due: jobs that are due move to `wait`."""

from __future__ import annotations

import pytest

from .redis_state import NOW, RedisState
from .state_table import Row, delayed, row_name, waiting

QUEUED = {"state": "waiting", "queuedAt": NOW}

TABLE = [
    Row("nothing is delayed", given={}, call=("promote_due", 10), reply=[0, -1]),
    Row(
        "nothing is due: ms until the next job is",
        given={"delayed": {"a": NOW + 250, "b": NOW + 900}, "jobs": {"a": delayed(), "b": delayed()}},
        call=("promote_due", 10),
        reply=[0, 250],
    ),
    Row(
        "a job is due exactly now",
        given={"delayed": {"a": NOW}, "jobs": {"a": delayed()}},
        call=("promote_due", 10),
        reply=[1, -1],
        again=[0, -1],
        changes={"delayed": None, "wait": ["a"], "priority_index": {"a": 50}, "jobs": {"a": QUEUED}},
    ),
    Row(
        "the earliest first, each to the end of its priority",
        given={
            "wait": ["w"],
            "priority_index": {"w": 50},
            "delayed": {"a": NOW - 1, "b": NOW - 3, "c": NOW - 2, "d": NOW + 7},
            "jobs": {"w": waiting(), "a": delayed(), "b": delayed(), "c": delayed(1), "d": delayed()},
        },
        call=("promote_due", 10),
        reply=[3, 7],
        again=[0, 7],
        changes={
            "wait": ["a", "b", "w", "c"],
            "priority_index": {"w": None, "a": 50, "c": 1},
            "delayed": {"a": None, "b": None, "c": None},
            "jobs": dict.fromkeys("abc", QUEUED),
        },
    ),
    Row(
        "a raw push with a due time",
        given={"delayed": {'{"n":1}': NOW}},
        call=("promote_due", 10),
        reply=[1, -1],
        again=[0, -1],
        changes={
            "delayed": None,
            "wait": ["raw-1000000-1"],
            "priority_index": {"raw-1000000-1": 50},
            "jobs": {"raw-1000000-1": waiting(createdAt=NOW, data='{"n":1}')},
            "stats": {"enqueued": 1},
        },
    ),
]


@pytest.mark.parametrize("row", TABLE, ids=row_name)
def test_promote_due_in_each_state_moves_due_jobs(redis_state: RedisState, row: Row) -> None:
    row.check(redis_state)


def test_promote_due_moves_a_bounded_number_of_jobs(redis_state: RedisState) -> None:
    for number in range(5):
        redis_state.call("enqueue", f"j{number}", "{}", 50, 10)

    replies = [redis_state.call("promote_due", 2, now=NOW + 10) for _ in range(4)]

    assert replies == [[2, 0], [2, 0], [1, -1], [0, -1]]
    assert redis_state.read()["wait"] == ["j4", "j3", "j2", "j1", "j0"]


def test_promote_due_of_a_job_that_is_delayed_without_end_waits_for_long(redis_state: RedisState) -> None:
    redis_state.redis.zadd(redis_state.keys.delayed, {"a": float("inf")})
    assert redis_state.call("promote_due", 10) == [0, 2**53]
