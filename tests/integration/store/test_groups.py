"""Groups of jobs: each end is counted once, and a group's end emits one event."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .failing import failing
from .redis_state import NOW, RedisState, State
from .state_table import HOST, Row, delayed, failed, row_name, started, waiting

WEEK = 604_800
OF_GROUP: dict[str, Any] = {"group": "g", "progress": 0}
CLAIM = ("claim", "host", 0, 15_000, 0, 0, 30_000)
COMPLETE = ("complete", "a", "host:0", 1, "{}", 60_000, 10)


def group(jobs: int = 1, **fields: int) -> dict[str, int]:
    return {"jobs": jobs, **fields}


def ended(outcome: str) -> dict[str, int]:
    """What the end of a group's last job changes."""
    return {outcome: 1, "ends": 1, "endedAt": NOW, "ttl": WEEK}


#: Each way to end, with the state before, the call and the outcome that the group counts.
ENDS = [
    ("complete", {"active": {"host:0": ["a"]}, "jobs": {"a": started(**OF_GROUP)}}, COMPLETE, "completed"),
    (
        "settle_and_fetch",
        {"active": {"host:0": ["a"]}, "jobs": {"a": started(**OF_GROUP)}},
        ("settle_and_fetch", "host:0", 60_000, 10, 15_000, 0, 0, 30_000, "a", 1, "{}"),
        "completed",
    ),
    (
        "retry of an invalid job",
        {"active": {"host:0": ["a"]}, "jobs": {"a": started(**OF_GROUP)}},
        ("retry", "a", "host:0", 1, *failing("{}", "invalid", 3, 1_000, 0)),
        "failed",
    ),
    (
        "recovery past the limit",
        {"active": {"host:0": ["a"]}, "jobs": {"a": started(**OF_GROUP)}},
        ("recover", "host:0", "1", 0),
        "failed",
    ),
    (
        "cancel",
        {"delayed": {"a": NOW + 5_000}, "jobs": {"a": delayed(**OF_GROUP)}},
        ("cancel", "a", 60_000),
        "cancelled",
    ),
    (
        "end_cancelled",
        {"active": {"host:0": ["a"]}, "jobs": {"a": started(cancelRequestedAt=NOW, **OF_GROUP)}},
        ("end_cancelled", "a", "host:0", 1),
        "cancelled",
    ),
    (
        "expiry",
        {
            "wait": ["a"],
            "priority_index": {"a": 50},
            "jobs": {"a": waiting(expiresAt=NOW, fencingToken=0, **OF_GROUP)},
        },
        CLAIM,
        "expired",
    ),
]


def events(redis_state: RedisState) -> list[dict[str, Any]]:
    found = [json.loads(event) for event in redis_state.read().get("events", [])]
    return [event for event in found if event["event"] == "group-ended"]


@pytest.mark.parametrize(
    ("given", "call", "outcome"), [row[1:] for row in ENDS], ids=[row[0] for row in ENDS]
)
def test_end_of_a_groups_last_job_is_counted_once_and_emits_one_event(
    redis_state: RedisState, given: State, call: tuple[str | int, ...], outcome: str
) -> None:
    gate = {"eventsUntil": NOW + 60_000}
    redis_state.write({**HOST, "groups": {"g": group(size=1)}, "gate": gate, **given})
    counted = {name: int(name == outcome) for name in ("completed", "failed", "cancelled", "expired")}

    for _ in range(2):
        redis_state.call(*map(str, call))

        assert redis_state.read()["groups"]["g"] == group(size=1, **ended(outcome))
        event = {"event": "group-ended", "group": "g", "jobs": 1, "ends": 1, "at": NOW}
        assert events(redis_state) == [{**event, **counted}]


TABLE = [
    Row(
        "a job joins its group",
        given={},
        call=("enqueue", "a", "{}", 50, '{"group":"g","groupSize":3}'),
        reply=[1],
        again=[0],
        changes={
            "wait": ["a"],
            "priority_index": {"a": 50},
            "jobs": {"a": {**waiting(createdAt=NOW), **OF_GROUP}},
            "groups": {"g": group(size=3)},
            "stats": {"enqueued": 1},
        },
    ),
    Row(
        "the end of a job whose group has others",
        given={
            **HOST,
            "active": {"host:0": ["a"]},
            "jobs": {"a": started(**OF_GROUP)},
            "groups": {"g": group(2, size=2)},
        },
        call=("retry", "a", "host:0", 1, *failing("{}", "invalid", 3, 1_000, 0)),
        reply=["dead", "invalid", "counted", "open"],
        again=["dead", "invalid"],
        changes={
            "active": None,
            "dead": ["a"],
            "jobs": {
                "a": {
                    "state": "failed",
                    "reason": "invalid",
                    "error": "{}",
                    "failures": 1,
                    "finishedAt": NOW,
                }
            },
            "groups": {"g": {"failed": 1}},
            "stats": {"failed": 1},
        },
    ),
    Row(
        "closing a group whose jobs have ended",
        given={"groups": {"g": group(2, completed=2)}},
        call=("close_group", "g"),
        reply=["ended", ["jobs", "2", "completed", "2", "closed", "1", "ends", "1", "endedAt", str(NOW)]],
        changes={"groups": {"g": {"closed": 1, "ends": 1, "endedAt": NOW, "ttl": WEEK}}},
    ),
    Row(
        "closing a group that has ended by its size",
        given={"groups": {"g": group(2, completed=2, size=2, ends=1)}},
        call=("close_group", "g"),
        reply=["ended", ["jobs", "2", "completed", "2", "size", "2", "ends", "1", "closed", "1"]],
        changes={"groups": {"g": {"closed": 1}}},
    ),
    Row(
        "closing a group with an unfinished job",
        given={"groups": {"g": group(2, completed=1)}},
        call=("close_group", "g"),
        reply=["open", ["jobs", "2", "completed", "1", "closed", "1"]],
        changes={"groups": {"g": {"closed": 1}}},
    ),
    Row("closing a group that does not exist", given={}, call=("close_group", "g"), reply=["unknown"]),
    Row(
        "a replayed job reopens its group",
        given={
            "dead": ["a"],
            "jobs": {"a": failed(**OF_GROUP)},
            "groups": {"g": group(size=1, failed=1, ends=1)},
        },
        call=("replay", "a"),
        reply=[1],
        again=[0],
        changes={
            "dead": None,
            "wait": ["a"],
            "priority_index": {"a": 50},
            "jobs": {
                "a": {
                    "state": "waiting",
                    "queuedAt": NOW,
                    "attempts": 0,
                    "failures": 0,
                    "recoveries": 0,
                    "replays": 1,
                    "reason": None,
                    "finishedAt": None,
                }
            },
            "groups": {"g": {"failed": 0}},
            "stats": {"replayed": 1},
        },
    ),
    Row(
        "the id of a cancelled job is used again in its group",
        given={
            "jobs": {"a": {**waiting(), **OF_GROUP, "state": "cancelled"}},
            "groups": {"g": group(2, size=2, cancelled=1)},
        },
        call=("enqueue", "a", "{}", 50, '{"group":"g"}'),
        reply=[1],
        again=[0],
        changes={
            "wait": ["a"],
            "priority_index": {"a": 50},
            "jobs": {"a": {"state": "waiting", "createdAt": NOW}},
            "groups": {"g": {"cancelled": 0}},
            "stats": {"enqueued": 1},
        },
    ),
]  # fmt: skip


@pytest.mark.parametrize("row", TABLE, ids=row_name)
def test_group_after_each_transition_counts_its_jobs(row: Row, redis_state: RedisState) -> None:
    row.check(redis_state)


def test_group_reopened_by_a_replay_emits_a_second_event(redis_state: RedisState) -> None:
    redis_state.write({**HOST, "gate": {"eventsUntil": NOW + 60_000}})
    redis_state.call("enqueue", "a", "{}", 50, '{"group":"g","groupSize":1}')
    redis_state.call(*CLAIM)
    redis_state.call("retry", "a", "host:0", 1, *failing("{}", "permanent", 3, 1_000, 0))
    redis_state.call("replay", "a")
    assert redis_state.call(*CLAIM) == ["job", "a"]
    redis_state.call("complete", "a", "host:0", 2, "{}", 60_000, 10)

    found = [(event["ends"], event["completed"], event["failed"]) for event in events(redis_state)]

    assert found == [(1, 0, 1), (2, 1, 0)]


def test_group_that_is_no_longer_kept_does_not_return_by_a_replay(redis_state: RedisState) -> None:
    redis_state.write({"dead": ["a"], "jobs": {"a": failed(group="g")}})

    redis_state.call("replay", "a")

    state = redis_state.read()
    assert "groups" not in state
    assert "group" not in state["jobs"]["a"]


def test_raw_pushes_of_a_group_end_it_also_if_one_is_invalid(redis_state: RedisState) -> None:
    redis_state.push(
        '{"$id": "a", "$group": "g", "$groupSize": 2}', '{"$priority": 900, "$group": "g", "$groupSize": 2}'
    )
    redis_state.call("promote_due", 10)
    assert redis_state.read()["groups"] == {"g": group(2, size=2, failed=1)}

    redis_state.call("cancel", "a", 60_000)

    assert redis_state.read()["groups"]["g"] == group(2, size=2, failed=1, **ended("cancelled"))


def test_group_key_of_another_type_stops_no_transition(redis_state: RedisState) -> None:
    redis_state.redis.set(redis_state.keys.group("g"), "edited by hand")
    redis_state.call("enqueue", "a", "{}", 50, '{"group":"g"}')
    assert redis_state.call(*CLAIM) == ["job", "a"]
    assert redis_state.call(*COMPLETE) == ["completed"]
