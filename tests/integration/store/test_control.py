"""prioritize, hasten: what operators do with a job that has not started."""

from __future__ import annotations

import pytest

from .redis_state import NOW, RedisState
from .state_table import HOST, Row, completed, delayed, failed, row_name, started, waiting

LINE = {
    "wait": ["d", "c", "b", "a"],
    "priority_index": {"b": 10, "d": 50},
    "jobs": {"a": waiting(10), "b": waiting(10), "c": waiting(), "d": waiting()},
}

TABLE = [
    Row(
        "prioritize: to the end of the more urgent lane",
        given=LINE,
        call=("prioritize", "c", 10),
        reply=["waiting"],
        changes={"priority_index": {"b": None, "c": 10}, "jobs": {"c": {"priority": 10}}},
    ),
    Row(
        "prioritize: the last of a lane leaves it, its pointer moves up",
        given=LINE,
        call=("prioritize", "d", 1),
        reply=["waiting"],
        changes={"wait": ["c", "b", "a", "d"], "priority_index": {"c": 50, "d": 1}, "jobs": {"d": {"priority": 1}}},  # noqa: E501
    ),
    Row(
        "prioritize: to a lane that there is not yet",
        given=LINE,
        call=("prioritize", "a", 90),
        reply=["waiting"],
        changes={"wait": ["a", "d", "c", "b"], "priority_index": {"a": 90}, "jobs": {"a": {"priority": 90}}},
    ),
    Row(
        "prioritize: one that has it keeps its place",
        given=LINE,
        call=("prioritize", "a", 10),
        reply=["waiting"],
    ),
    Row(
        "prioritize: in the hand of a slot it stays there",
        given={**HOST, "active": {"host:0": ["a"]}, "jobs": {"a": waiting()}},
        call=("prioritize", "a", 1),
        reply=["waiting"],
        changes={"jobs": {"a": {"priority": 1}}},
    ),
    Row(
        "prioritize: in a hand, it is no longer the pointer of the lane that it left",
        given={
            **HOST,
            "active": {"host:0": ["a"]},
            "wait": ["b"],
            "priority_index": {"a": 10, "b": 50},
            "jobs": {"a": waiting(10), "b": waiting()},
        },
        call=("prioritize", "a", 1),
        reply=["waiting"],
        changes={"priority_index": {"a": None}, "jobs": {"a": {"priority": 1}}},
    ),
    Row(
        "prioritize: a delayed one keeps its time",
        given={"delayed": {"a": NOW + 5}, "jobs": {"a": delayed()}},
        call=("prioritize", "a", 1),
        reply=["delayed"],
        changes={"jobs": {"a": {"priority": 1}}},
    ),
    Row(
        "hasten: to the end of its lane",
        given={**LINE, "delayed": {"e": NOW + 5}, "jobs": {**LINE["jobs"], "e": delayed(10)}},
        call=("promote_job", "e"),
        reply=["waiting"],
        changes={
            "wait": ["d", "c", "e", "b", "a"],
            "priority_index": {"b": None, "e": 10},
            "delayed": None,
            "jobs": {"e": {"state": "waiting", "queuedAt": NOW}},
        },
    ),
    *(
        Row(f"{name}: not one that is {state}", given=given, call=(name, "a", *rest), reply=[state])
        for name, *rest in (("prioritize", 1), ("promote_job",))
        for state, given in {
            "active": {**HOST, "active": {"host:0": ["a"]}, "jobs": {"a": started()}},
            "failed": {"dead": ["a"], "jobs": {"a": failed()}},
            "completed": {"completed": ["a"], "jobs": {"a": completed()}},
            "unknown": {},
        }.items()
    ),
]  # fmt: skip


@pytest.mark.parametrize("row", TABLE, ids=row_name)
def test_control(redis_state: RedisState, row: Row) -> None:
    row.check(redis_state)
