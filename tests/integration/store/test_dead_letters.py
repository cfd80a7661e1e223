"""replay and purge: transitions of dead letters."""

from __future__ import annotations

import pytest

from .redis_state import NOW, RedisState
from .state_table import Row, completed, failed, row_name, waiting

REPLAYED = {
    "state": "waiting", "queuedAt": NOW, "attempts": 0, "failures": 0, "recoveries": 0, "replays": 1,
    "reason": None, "finishedAt": None,
}  # fmt: skip

#: A dead, a waiting and a completed job.
ONE_OF_EACH = {
    "dead": ["a"],
    "wait": ["w"],
    "priority_index": {"w": 50},
    "completed": ["d"],
    "jobs": {"a": failed(), "w": waiting(), "d": completed()},
}

TABLE = [
    Row(
        "replay: in the given order to the end of their priorities, counters at zero",
        given={
            "wait": ["w"],
            "priority_index": {"w": 50},
            "dead": ["c", "b", "a"],
            "jobs": {"w": waiting(), "a": failed(), "b": failed(10), "c": failed(progress=70)},
        },
        call=("replay", "a", "b", "c"),
        reply=[3],
        again=[0],
        changes={
            "dead": None,
            "wait": ["c", "a", "w", "b"],
            "priority_index": {"w": None, "c": 50, "b": 10},
            "jobs": {"a": REPLAYED, "b": REPLAYED, "c": {**REPLAYED, "progress": None}},
            "stats": {"replayed": 3},
        },
    ),
    Row(
        "replay: a second time; the last error is kept",
        given={
            "dead": ["a"],
            "jobs": {"a": failed(replays=1, recoveries=4, attempts=9, error='{"class":"E"}')},
        },
        call=("replay", "a"),
        reply=[1],
        again=[0],
        changes={
            "dead": None,
            "wait": ["a"],
            "priority_index": {"a": 50},
            "jobs": {"a": {**REPLAYED, "replays": 2}},
            "stats": {"replayed": 1},
        },
    ),
    Row(
        "replay: other jobs are skipped",
        given=ONE_OF_EACH,
        call=("replay", "w", "d", "unknown"),
        reply=[0],
    ),
    Row("replay: no id", given={}, call=("replay",), reply=[0]),
    Row(
        "replay: a dead letter without a hash is removed",
        given={"dead": ["ghost"]},
        call=("replay", "ghost"),
        reply=[0],
        changes={"dead": None},
    ),
    Row(
        "purge: list entries and hashes are deleted",
        given={"dead": ["c", "b", "a"], "jobs": dict.fromkeys("abc", failed())},
        call=("purge", "a", "c", "unknown"),
        reply=[2],
        again=[0],
        changes={"dead": ["b"], "jobs": {"a": None, "c": None}},
    ),
    Row(
        "purge: other jobs are skipped",
        given=ONE_OF_EACH,
        call=("purge", "w", "d"),
        reply=[0],
    ),
]


@pytest.mark.parametrize("row", TABLE, ids=row_name)
def test_replay_and_purge_in_each_state_move_or_skip(redis_state: RedisState, row: Row) -> None:
    row.check(redis_state)


def test_enqueue_with_a_purged_id_creates_a_job(redis_state: RedisState) -> None:
    redis_state.write({"dead": ["a"], "jobs": {"a": failed()}})
    redis_state.call("purge", "a")

    assert redis_state.call("enqueue", "a", "{}", 50, 0) == [1]
    assert redis_state.read()["jobs"] == {"a": waiting(createdAt=NOW)}
