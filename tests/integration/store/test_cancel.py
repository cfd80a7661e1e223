"""The transitions cancel and counts."""

from __future__ import annotations

import pytest

from .redis_state import NOW, RedisState, State
from .state_table import HOST, Row, completed, delayed, failed, row_name, started, waiting

KEEP = 86_400_000
CANCELLED = {"state": "cancelled", "finishedAt": NOW, "ttl": 86_400}

#: Three priorities, three jobs with the middle one.
PRIORITIES: State = {
    "wait": ["low", "mid3", "mid2", "mid1", "top"],
    "priority_index": {"low": 90, "mid3": 50, "top": 10},
    "jobs": {"low": waiting(90), **dict.fromkeys(["mid1", "mid2", "mid3"], waiting()), "top": waiting(10)},
}


def cancelled(name: str, given: State, job_id: str, changes: State) -> Row:
    changes = {"jobs": {job_id: CANCELLED}, "stats": {"cancelled": 1}, **changes}
    return Row(name, given, ("cancel", job_id, KEEP), ["cancelled"], changes)


def refused(state: str, given: State) -> Row:
    return Row(f"refused: {state}", given, ("cancel", "a", KEEP), [state])


TABLE = [
    cancelled(
        "the last of its priority: the index moves to the job ahead",
        PRIORITIES,
        "mid3",
        {"wait": ["low", "mid2", "mid1", "top"], "priority_index": {"mid3": None, "mid2": 50}},
    ),
    cancelled("in the middle of its priority", PRIORITIES, "mid2", {"wait": ["low", "mid3", "mid1", "top"]}),
    cancelled("the first of its priority", PRIORITIES, "mid1", {"wait": ["low", "mid3", "mid2", "top"]}),
    cancelled(
        "the only one of its priority: the index entry is removed",
        PRIORITIES,
        "low",
        {"wait": ["mid3", "mid2", "mid1", "top"], "priority_index": {"low": None}},
    ),
    cancelled(
        "the next to run",
        PRIORITIES,
        "top",
        {"wait": ["low", "mid3", "mid2", "mid1"], "priority_index": {"top": None}},
    ),
    cancelled(
        "the only job",
        {"wait": ["a"], "priority_index": {"a": 50}, "jobs": {"a": waiting()}},
        "a",
        {"wait": None, "priority_index": None},
    ),
    cancelled("delayed", {"delayed": {"a": NOW + 5}, "jobs": {"a": delayed()}}, "a", {"delayed": None}),
    cancelled(
        "in flight in a slot that waits for a token",
        {**HOST, "active": {"host:0": ["b"], "host:1": ["a"]}, "jobs": {"a": waiting(), "b": waiting()}},
        "a",
        {"active": {"host:1": None}},
    ),
    refused("active", {**HOST, "active": {"host:0": ["a"]}, "jobs": {"a": started()}}),
    refused("completed", {"completed": ["a"], "jobs": {"a": completed()}}),
    refused("failed", {"dead": ["a"], "jobs": {"a": failed()}}),
    refused("cancelled", {"jobs": {"a": waiting(state="cancelled")}}),
    refused("unknown", {}),
]


@pytest.mark.parametrize("row", TABLE, ids=row_name)
def test_cancel_in_each_state_removes_or_refuses(redis_state: RedisState, row: Row) -> None:
    row.check(redis_state)


def test_enqueue_after_cancellations_keeps_the_order(redis_state: RedisState) -> None:
    redis_state.write(PRIORITIES)
    for job_id in ("mid3", "low", "top"):
        redis_state.call("cancel", job_id, KEEP)

    redis_state.call("enqueue", "new1", "{}", 50, 0, "new2", "{}", 90, 0, "new3", "{}", 10, 0)

    assert redis_state.read()["wait"] == ["new2", "new1", "mid2", "mid1", "new3"]


def test_claim_of_a_job_cancelled_after_its_pop_drops_it(
    redis_state: RedisState,
) -> None:
    redis_state.write({"active": {"unknown:0": ["a"]}, "jobs": {"a": waiting()}})

    assert redis_state.call("cancel", "a", KEEP) == ["cancelled"]
    assert redis_state.call("claim", "unknown", 0, 15_000, 0, 0, 60_000) == ["none"]
    assert "active" not in redis_state.read()


BUSY: State = {
    "wait": ["w2", "{}", "w1"],
    "active": {"live:0": ["a1"], "live:1": ["h1"], "dead:0": ["h2", "a2"]},
    "delayed": {"d1": NOW, "d2": NOW, "d3": NOW, "d4": NOW},
    "dead": ["f1", "f2", "f3"],
    "completed": ["c1"],
    "instances": {"live": NOW + 1, "dead": NOW},
    "instance": {"live": {"slots": 3}, "dead": {"slots": 2}},
    "jobs": {"a1": started(), "a2": started(), "h1": waiting(), "h2": waiting()},
}


@pytest.mark.parametrize(
    ("state", "reply"),
    [({}, [0, 0, 0, 0, 0, 0]), (BUSY, [5, 2, 4, 3, 1, 3])],
    ids=["an empty queue", "in-flight jobs count as waiting, workers of live instances only"],
)
def test_counts_of_a_queue_are_by_state(redis_state: RedisState, state: State, reply: list[int]) -> None:
    redis_state.write(state)
    before = redis_state.read()

    assert redis_state.call("counts") == reply
    assert redis_state.read() == before
