"""prioritize and promote_job: operators' transitions for jobs that have not started."""

from __future__ import annotations

import pytest

from .redis_state import NOW, RedisState
from .state_table import HOST, Row, completed, delayed, failed, row_name, started, waiting

WAITING = {
    "wait": ["d", "c", "b", "a"],
    "priority_index": {"b": 10, "d": 50},
    "jobs": {"a": waiting(10), "b": waiting(10), "c": waiting(), "d": waiting()},
}

TABLE = [
    Row(
        "prioritize: to the end of the more urgent priority",
        given=WAITING,
        call=("prioritize", "c", 10),
        reply=["waiting"],
        changes={"priority_index": {"b": None, "c": 10}, "jobs": {"c": {"priority": 10}}},
    ),
    Row(
        "prioritize: the last of its priority leaves, the index moves to the job ahead",
        given=WAITING,
        call=("prioritize", "d", 1),
        reply=["waiting"],
        changes={"wait": ["c", "b", "a", "d"], "priority_index": {"c": 50, "d": 1}, "jobs": {"d": {"priority": 1}}},  # noqa: E501
    ),
    Row(
        "prioritize: to a priority without jobs",
        given=WAITING,
        call=("prioritize", "a", 90),
        reply=["waiting"],
        changes={"wait": ["a", "d", "c", "b"], "priority_index": {"a": 90}, "jobs": {"a": {"priority": 90}}},
    ),
    Row(
        "prioritize: a job that has the priority keeps its place",
        given=WAITING,
        call=("prioritize", "a", 10),
        reply=["waiting"],
    ),
    Row(
        "prioritize: a job in flight stays in its slot",
        given={**HOST, "active": {"host:0": ["a"]}, "jobs": {"a": waiting()}},
        call=("prioritize", "a", 1),
        reply=["waiting"],
        changes={"jobs": {"a": {"priority": 1}}},
    ),
    Row(
        "prioritize: a job in flight leaves the index",
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
        "prioritize: a delayed job keeps its due time",
        given={"delayed": {"a": NOW + 5}, "jobs": {"a": delayed()}},
        call=("prioritize", "a", 1),
        reply=["delayed"],
        changes={"jobs": {"a": {"priority": 1}}},
    ),
    Row(
        "promote_job: to the end of its priority",
        given={**WAITING, "delayed": {"e": NOW + 5}, "jobs": {**WAITING["jobs"], "e": delayed(10)}},
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
        Row(f"{name}: refused, {state}", given=given, call=(name, "a", *rest), reply=[state])
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
def test_prioritize_and_promote_job_in_each_state_move_or_refuse(redis_state: RedisState, row: Row) -> None:
    row.check(redis_state)
