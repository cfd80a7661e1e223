"""enqueue: creates hashes and places jobs by priority."""

from __future__ import annotations

import pytest

from . import invariants
from .redis_state import NOW, RedisState, State
from .state_table import Row, delayed, row_name, started, waiting

NEW = waiting(createdAt=NOW)

#: Three priorities, two jobs with the middle one.
PRIORITIES: State = {
    "wait": ["low", "mid2", "mid1", "top"],
    "priority_index": {"low": 90, "mid2": 50, "top": 10},
    "jobs": {"low": waiting(90), "mid2": waiting(), "mid1": waiting(), "top": waiting(10)},
}


def placed(priority: int, wait: list[str], priority_index: dict[str, int | None]) -> Row:
    return Row(
        f"priority {priority} among 10, 50, 50, 90",
        given=PRIORITIES,
        call=("enqueue", "new", "{}", priority, 0),
        reply=[1],
        again=[0],
        changes={
            "wait": wait,
            "priority_index": priority_index,
            "jobs": {"new": waiting(priority, createdAt=NOW)},
            "stats": {"enqueued": 1},
        },
    )


TABLE = [
    Row(
        "the first job",
        given={},
        call=("enqueue", "a", '{"text":"é"}', 50, 0),
        reply=[1],
        again=[0],
        changes={
            "wait": ["a"],
            "priority_index": {"a": 50},
            "jobs": {"a": {**NEW, "data": '{"text":"é"}'}},
            "stats": {"enqueued": 1},
        },
    ),
    placed(1, ["low", "mid2", "mid1", "top", "new"], {"new": 1}),
    placed(10, ["low", "mid2", "mid1", "new", "top"], {"new": 10, "top": None}),
    placed(11, ["low", "mid2", "mid1", "new", "top"], {"new": 11}),
    placed(50, ["low", "new", "mid2", "mid1", "top"], {"new": 50, "mid2": None}),
    placed(89, ["low", "new", "mid2", "mid1", "top"], {"new": 89}),
    placed(90, ["new", "low", "mid2", "mid1", "top"], {"new": 90, "low": None}),
    placed(100, ["new", "low", "mid2", "mid1", "top"], {"new": 100}),
    Row(
        "several in order, one exists, one is repeated",
        given={"wait": ["a"], "priority_index": {"a": 50}, "jobs": {"a": waiting()}},
        call=("enqueue", "b", "{}", 50, 0, "a", '{"other":1}', 1, 0, "c", "{}", 10, 0, "b", "{}", 1, 0),
        reply=[1, 0, 1, 0],
        again=[0, 0, 0, 0],
        changes={
            "wait": ["b", "a", "c"],
            "priority_index": {"a": None, "b": 50, "c": 10},
            "jobs": {"b": NEW, "c": {**NEW, "priority": 10}},
            "stats": {"enqueued": 2},
        },
    ),
    Row(
        "a delay: not in wait",
        given={},
        call=("enqueue", "a", "{}", 50, 1_500),
        reply=[1],
        again=[0],
        changes={
            "delayed": {"a": NOW + 1_500},
            "jobs": {"a": {**NEW, "state": "delayed"}},
            "stats": {"enqueued": 1},
        },
    ),
    Row(
        "ids of an active and a delayed job: no second job",
        given={
            "active": {"host:0": ["a"]},
            "delayed": {"b": NOW + 5},
            "jobs": {"a": started(), "b": delayed()},
        },
        call=("enqueue", "a", "{}", 50, 0, "b", "{}", 50, 0),
        reply=[0, 0],
    ),
    Row(
        "stale index entries are removed up to a valid one",
        given={
            "wait": ["top"],
            "priority_index": {"gone1": 20, "gone2": 30, "gone3": 80, "top": 10},
            "jobs": {"top": waiting(10)},
        },
        call=("enqueue", "new", "{}", 50, 0),
        reply=[1],
        again=[0],
        changes={
            "wait": ["new", "top"],
            "priority_index": {"gone1": None, "gone2": None, "new": 50},
            "jobs": {"new": NEW},
            "stats": {"enqueued": 1},
        },
    ),
    Row(
        "all index entries stale and an empty list",
        given={"priority_index": {"gone1": 20, "gone2": 50}},
        call=("enqueue", "new", "{}", 50, 0),
        reply=[1],
        again=[0],
        changes={
            "wait": ["new"],
            "priority_index": {"gone1": None, "gone2": None, "new": 50},
            "jobs": {"new": NEW},
            "stats": {"enqueued": 1},
        },
    ),
]


@pytest.mark.parametrize("row", TABLE, ids=row_name)
def test_enqueue_in_each_state_places_jobs(redis_state: RedisState, row: Row) -> None:
    row.check(redis_state)


def test_enqueue_of_mixed_priorities_is_fifo_within_each(redis_state: RedisState) -> None:
    priorities = [50, 1, 100, 50, 1, 7, 100, 50, 7, 1]
    for number, priority in enumerate(priorities):
        redis_state.call("enqueue", f"{priority:03}-{number}", "{}", priority, 0)
        invariants.check(redis_state.read())

    ran = [redis_state.take("host:0") for _ in priorities]

    assert ran == sorted(ran, key=str)
