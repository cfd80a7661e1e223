"""claim: starts the job in the slot, if it may start now."""

from __future__ import annotations

import pytest

from .redis_state import NOW, RedisState
from .state_table import HOST, Fields, Row, completed, delayed, failed, row_name, started, waiting

CLAIM = ("claim", "host", 0, 15_000, 0, 0, 60_000)

#: The fields that a first start writes.
START: Fields = {"state": "active", "workerId": "host:0", "startedAt": NOW, "fencingToken": 1, "attempts": 1}

TABLE = [
    Row("the slot is empty", given=HOST, call=CLAIM, reply=["none"]),
    Row(
        "a waiting job starts",
        given={**HOST, "active": {"host:0": ["a"]}, "jobs": {"a": waiting()}},
        call=CLAIM,
        reply=["job", "a"],
        changes={"jobs": {"a": START}},
    ),
    Row(
        "a job that ran before: attempts and fencing token go up, checkpoints are kept",
        given={
            **HOST,
            "active": {"host:0": ["a"]},
            "jobs": {
                "a": waiting(workerId="old:7", startedAt=1, fencingToken=5, attempts=2, failures=2, queuedAt=999_000,  # noqa: E501
                             **{"checkpoint:transcript": '"text"'})
            },
        },
        call=CLAIM,
        reply=["job", "a"],
        changes={"jobs": {"a": {**START, "fencingToken": 6, "attempts": 3}}},
    ),
    Row(
        "already started by this slot, the reply was lost: the same attempt again",
        given={**HOST, "active": {"host:0": ["a"]}, "jobs": {"a": started()}},
        call=CLAIM,
        reply=["job", "a"],
    ),
    Row(
        "the oldest of several starts",
        given={**HOST, "active": {"host:0": ["c", "b", "a"]}, "jobs": dict.fromkeys("abc", waiting())},
        call=CLAIM,
        reply=["job", "a"],
        changes={"jobs": {"a": START}},
    ),
    Row(
        "entries of jobs that are elsewhere are dropped",
        given={
            **HOST,
            "active": {"host:0": ["a", "gone", "dead", "due", "done", "other"], "host:1": ["other"]},
            "dead": ["dead"],
            "delayed": {"due": NOW + 1},
            "completed": ["done"],
            "jobs": {
                "a": waiting(),
                "gone": waiting(state="cancelled"),
                "dead": failed(),
                "due": delayed(),
                "done": completed(),
                "other": started(workerId="host:1"),
            },
        },
        call=CLAIM,
        reply=["job", "a"],
        changes={"active": {"host:0": ["a"]}, "jobs": {"a": START}},
    ),
    Row(
        "an unknown instance is registered with a lease",
        given={"active": {"host:3": ["a"]}, "jobs": {"a": waiting()}},
        call=("claim", "host", 3, 15_000, 0, 0, 60_000),
        reply=["job", "a"],
        changes={
            "jobs": {"a": {**START, "workerId": "host:3"}},
            "instances": {"host": NOW + 15_000},
            "instance": {"host": {"slots": 4}},
        },
    ),
    Row(
        "an unknown slot is counted; the lease is left to the janitor",
        given=HOST,
        call=("claim", "host", 4, 60_000, 0, 0, 60_000),
        reply=["none"],
        changes={"instance": {"host": {"slots": 5}}},
    ),
    Row(
        "a more urgent job arrived while this one was in flight: they are swapped",
        given={
            **HOST,
            "wait": ["c", "b"],
            "priority_index": {"c": 50, "b": 10},
            "active": {"host:0": ["a"]},
            "jobs": {"a": waiting(), "b": waiting(10), "c": waiting()},
        },
        call=CLAIM,
        reply=["job", "b"],
        changes={
            "wait": ["c", "a"],
            "priority_index": {"b": None},
            "active": {"host:0": ["b"]},
            "jobs": {"b": START},
        },
    ),
    Row(
        "a waiting job isn't more urgent: the job in flight starts",
        given={
            **HOST,
            "wait": ["b"],
            "priority_index": {"b": 50},
            "active": {"host:0": ["a"]},
            "jobs": {"a": waiting(), "b": waiting()},
        },
        call=CLAIM,
        reply=["job", "a"],
        changes={"jobs": {"a": START}},
    ),
    Row(
        "a job that runs is not swapped",
        given={
            **HOST,
            "wait": ["b"],
            "priority_index": {"b": 1},
            "active": {"host:0": ["a"]},
            "jobs": {"a": started(), "b": waiting(1)},
        },
        call=CLAIM,
        reply=["job", "a"],
    ),
    Row(
        "paused: the job stays in flight, next claim in a second",
        given={**HOST, "active": {"host:0": ["a"]}, "gate": {"paused": 1}, "jobs": {"a": waiting()}},
        call=CLAIM,
        reply=["wait", 1_000],
    ),
    Row(
        "paused, the slot is empty",
        given={**HOST, "gate": {"paused": 1}},
        call=CLAIM,
        reply=["none"],
    ),
    Row(
        "paused, but the job was started: the reply was lost",
        given={**HOST, "active": {"host:0": ["a"]}, "gate": {"paused": 1}, "jobs": {"a": started()}},
        call=CLAIM,
        reply=["job", "a"],
    ),
    Row(
        "paused: a more urgent job is swapped in for the end of the pause",
        given={
            **HOST,
            "wait": ["b"],
            "priority_index": {"b": 1},
            "active": {"host:0": ["a"]},
            "gate": {"paused": 1},
            "jobs": {"a": waiting(), "b": waiting(1)},
        },
        call=CLAIM,
        reply=["wait", 1_000],
        changes={"wait": ["a"], "priority_index": {"b": None, "a": 50}, "active": {"host:0": ["b"]}},
    ),
    Row(
        "held: next claim in a second, since the hold may be lifted",
        given={
            **HOST,
            "active": {"host:0": ["a"]},
            "gate": {"heldUntil": NOW + 2_500},
            "jobs": {"a": waiting()},
        },
        call=CLAIM,
        reply=["wait", 1_000],
    ),
    Row(
        "held for less than a second",
        given={
            **HOST,
            "active": {"host:0": ["a"]},
            "gate": {"heldUntil": NOW + 250},
            "jobs": {"a": waiting()},
        },
        call=CLAIM,
        reply=["wait", 250],
    ),
    Row(
        "the hold ends now",
        given={**HOST, "active": {"host:0": ["a"]}, "gate": {"heldUntil": NOW}, "jobs": {"a": waiting()}},
        call=CLAIM,
        reply=["job", "a"],
        changes={"jobs": {"a": START}, "gate": None},
    ),
    Row(
        "a hold and a request for events that are over are removed",
        given={
            **HOST,
            "active": {"host:0": ["a"]},
            "gate": {"heldUntil": NOW - 5, "heldReason": "429", "eventsUntil": NOW - 1},
            "jobs": {"a": waiting()},
        },
        call=CLAIM,
        reply=["job", "a"],
        changes={"jobs": {"a": START}, "gate": None},
    ),
    Row(
        "a request for events that is live is kept",
        given={
            **HOST,
            "active": {"host:0": ["a"]},
            "gate": {"heldUntil": NOW - 5, "eventsUntil": NOW + 1},
            "jobs": {"a": waiting()},
        },
        call=CLAIM,
        reply=["job", "a"],
        changes={"jobs": {"a": START}, "gate": {"heldUntil": None}},
    ),
]  # fmt: skip


@pytest.mark.parametrize("row", TABLE, ids=row_name)
def test_claim_in_each_state_starts_or_waits(redis_state: RedisState, row: Row) -> None:
    row.check(redis_state)


def test_reap_recovers_an_instance_that_never_sent_a_heartbeat(redis_state: RedisState) -> None:
    redis_state.call("enqueue", "a", "{}", 50, 0)
    redis_state.take("ghost:1")
    redis_state.call("claim", "ghost", 1, 15_000, 0, 0, 60_000)

    assert redis_state.call("reap", 3, 10, "", 9_000, 60_000, 15_000, 10**15, now=NOW + 14_999) == [[], []]
    assert redis_state.call("reap", 3, 10, "", 9_000, 60_000, 15_000, 10**15, now=NOW + 15_000) == [
        ["ghost", 1],
        [],
    ]
    assert redis_state.read()["wait"] == ["a"]
