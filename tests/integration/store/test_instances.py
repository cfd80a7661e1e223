"""recover, reap and leave: jobs of dead workers, and leases that are over."""

from __future__ import annotations

import json

import pytest

from .redis_state import NOW, RedisState, State
from .state_table import HOST, KNOWN, Row, completed, row_name, started, waiting

#: Slot 0 ran a job when it died; others wait.
DIED: State = {
    **HOST,
    "wait": ["low", "mid", "top"],
    "priority_index": {"low": 90, "mid": 50, "top": 10},
    "active": {"host:0": ["a"]},
    "reservations": {"host:0": NOW + 100, "host:1": NOW + 200},
    "jobs": {"a": started(), "low": waiting(90), "mid": waiting(), "top": waiting(10)},
}
RECOVERED = {"state": "waiting", "queuedAt": NOW, "recoveries": 1}
RELEASED = {"state": "waiting", "queuedAt": NOW, "attempts": 0, "releases": 1}
IN_FRONT: State = {"active": None, "wait": ["low", "mid", "a", "top"], "reservations": {"host:0": None}}

RECOVER = [
    Row("recover: the slot is empty", given=HOST, call=("recover", "host:0", "1", 3), reply=[0, []]),
    Row(
        "recover: a started job goes to the front of its priority, the reservation is removed",
        given=DIED,
        call=("recover", "host:0", "1", 3),
        reply=[1, []],
        again=[0, []],
        changes={**IN_FRONT, "jobs": {"a": RECOVERED}, "stats": {"recovered": 1}},
    ),
    Row(
        "recover: after a clean exit the attempt does not count",
        given=DIED,
        call=("recover", "host:0", "0", 3),
        reply=[1, []],
        again=[0, []],
        changes={**IN_FRONT, "jobs": {"a": RELEASED}, "stats": {"released": 1}},
    ),
    Row(
        "recover: a job in flight that had not started counts nothing",
        given={**DIED, "jobs": {**DIED["jobs"], "a": waiting()}},
        call=("recover", "host:0", "1", 0),
        reply=[1, []],
        again=[0, []],
        changes=IN_FRONT,
    ),
    Row(
        "recover: for the last time",
        given={**DIED, "jobs": {**DIED["jobs"], "a": started(recoveries=2)}},
        call=("recover", "host:0", "1", 3),
        reply=[1, []],
        again=[0, []],
        changes={**IN_FRONT, "jobs": {"a": {**RECOVERED, "recoveries": 3}}, "stats": {"recovered": 1}},
    ),
    Row(
        "recover: several, the oldest in front",
        given={
            **HOST,
            "active": {"host:0": ["c", "b", "a"]},
            "jobs": {"a": started(), "b": waiting(), "c": waiting()},
        },
        call=("recover", "host:0", "1", 3),
        reply=[3, []],
        again=[0, []],
        changes={
            "active": None,
            "wait": ["c", "b", "a"],
            "priority_index": {"c": 50},
            "jobs": {"a": RECOVERED},
            "stats": {"recovered": 1},
        },
    ),
    Row(
        "recover: entries of jobs that are elsewhere are dropped",
        given={
            **HOST,
            "active": {"host:0": ["done", "gone"]},
            "completed": ["done"],
            "jobs": {"done": completed(), "gone": waiting(state="cancelled")},
        },
        call=("recover", "host:0", "1", 3),
        reply=[0, []],
        changes={"active": None},
    ),
]

REAP = [
    Row(
        "reap: all leases are live",
        given=DIED,
        call=("reap", 3, 10, "", 9_000, 60_000, 15_000, 10**15),
        reply=[[], []],
    ),
    Row(
        "reap: a lease expired",
        given={**DIED, "instances": {"host": NOW}},
        call=("reap", 3, 10, "", 9_000, 60_000, 15_000, 10**15),
        reply=[["host", 1], []],
        again=[[], []],
        changes={
            **IN_FRONT,
            "reservations": None,
            "instances": {"host": NOW + 9_000},
            "instance": {"host": {"gone": 1}},
            "jobs": {"a": RECOVERED},
            "stats": {"recovered": 1, "instanceLost": 1},
        },
    ),
    Row(
        "reap: a lease expired before the caller was connected",
        given={**DIED, "instances": {"host": NOW - 101}},
        call=("reap", 3, 10, "", 9_000, 100, 15_000, 10**15),
        reply=[[], []],
    ),
    Row(
        "reap: the clock was set back, too long a lease is shortened",
        given={
            "instances": {"host": NOW + 3_600_000, "long": NOW + 50_000, "gone": NOW + 3_600_000},
            "instance": {
                "host": {"slots": 2},
                "long": {"slots": 1, "lease": 60_000},
                "gone": {"slots": 1, "lease": 60_000, "gone": 1},
            },
        },
        call=("reap", 3, 10, "", 9_000, 60_000, 15_000, 10**15),
        reply=[[], []],
        changes={"instances": {"host": NOW + 15_000, "gone": NOW + 9_000}},
    ),
    Row(
        "reap: the clock was set forward, no lease has expired",
        given={**DIED, "instances": {"host": NOW - 3_600_000}},
        call=("reap", 3, 10, "", 9_000, 10**15, 15_000, NOW - 1),
        reply=[[], []],
    ),
    Row(
        "reap: a late pop is recovered, then the instance is removed",
        given={**DIED, "instances": {"host": NOW}, "instance": {"host": {"slots": 2, "gone": 1}}},
        call=("reap", 3, 10, "", 9_000, 60_000, 15_000, 10**15),
        reply=[["host", 1], []],
        again=[[], []],
        changes={
            **IN_FRONT,
            "reservations": None,
            "instances": None,
            "instance": None,
            "jobs": {"a": RECOVERED},
            "stats": {"recovered": 1, "instanceLost": 1},
        },
    ),
    Row(
        "reap: an instance without a late pop is removed silently",
        given={"instances": {"host": NOW}, "instance": {"host": {"slots": 2, "gone": 1}}},
        call=("reap", 3, 10, "", 9_000, 60_000, 15_000, 10**15),
        reply=[[], []],
        changes={"instances": None, "instance": None},
    ),
    Row(
        "heartbeat: an instance presumed dead is live again",
        given={"instances": {"host": NOW + 9_000}, "instance": {"host": {"slots": 2, "gone": 1}}},
        call=("heartbeat", "host", 15_000, 2, 0, 0, 0, 0),
        reply=[NOW],
        changes={
            "instances": {"host": NOW + 15_000},
            "instance": {"host": {"lease": 15_000, "gone": None}},
            **KNOWN,
        },
    ),
    Row(
        "claim: an instance presumed dead gets a new lease",
        given={"instances": {"host": NOW + 9_000}, "instance": {"host": {"slots": 2, "gone": 1}}},
        call=("claim", "host", 0, 15_000, 0, 0, 60_000),
        reply=["none"],
        changes={"instances": {"host": NOW + 15_000}, "instance": {"host": {"gone": None}}},
    ),
    Row(
        "leave: the attempt does not count, the lease is removed",
        given=DIED,
        call=("leave", "host"),
        reply=[1],
        again=[0],
        changes={
            **IN_FRONT,
            "reservations": None,
            "instances": None,
            "instance": None,
            "jobs": {"a": RELEASED},
            "stats": {"released": 1},
        },
    ),
    Row("leave: an unknown instance", given={}, call=("leave", "host"), reply=[0]),
]


@pytest.mark.parametrize("row", RECOVER + REAP, ids=row_name)
def test_lease_transitions_in_each_state_keep_every_job(redis_state: RedisState, row: Row) -> None:
    row.check(redis_state)


@pytest.mark.parametrize(
    "call",
    [("recover", "host:0", "1", 3), ("reap", 3, 10, "", 9_000, 60_000, 15_000, 10**15)],
    ids=lambda call: call[0],
)
def test_recovery_past_the_limit_makes_a_dead_letter(redis_state: RedisState, call: tuple) -> None:
    redis_state.write({**DIED, "instances": {"host": NOW}, "dead": ["z"]})
    redis_state.redis.hset(redis_state.keys.job("a"), "recoveries", 3)

    _, dead = redis_state.call(*call)

    state = redis_state.read()
    assert dead == ["a"]
    assert state["dead"] == ["a", "z"]
    assert state["wait"] == ["low", "mid", "top"]
    job = state["jobs"]["a"]
    assert (job["state"], job["reason"], job["recoveries"], job["finishedAt"]) == (
        "failed",
        "worker-died",
        4,
        NOW,
    )
    assert json.loads(job["error"]) == {
        "class": "WorkerDied",
        "message": "its worker died under it 4 times, the last one was host:0",
    }


def test_reap_skips_the_instance_that_calls_it(redis_state: RedisState) -> None:
    for name in "ab":
        redis_state.call("heartbeat", name, 10, 1, 0, 0, 0, 0)
    assert redis_state.call("reap", 3, 10, "a", 9_000, 60_000, 15_000, 10**15, now=NOW + 10) == [["b", 0], []]
    assert redis_state.read()["instances"] == {"a": NOW + 10, "b": NOW + 9_010}


def test_reap_handles_a_bounded_number_of_instances(redis_state: RedisState) -> None:
    for name in "abc":
        redis_state.call("heartbeat", name, 10, 1, 0, 0, 0, 0)

    assert redis_state.call("reap", 3, 2, "", 9_000, 60_000, 15_000, 10**15, now=NOW + 10) == [
        ["a", 0, "b", 0],
        [],
    ]
    assert redis_state.call("reap", 3, 2, "", 9_000, 60_000, 15_000, 10**15, now=NOW + 10) == [["c", 0], []]
    redis_state.call("reap", 3, 2, "", 9_000, 60_000, 15_000, 10**15, now=NOW + 9_010)
    redis_state.call("reap", 3, 2, "", 9_000, 60_000, 15_000, 10**15, now=NOW + 9_010)
    assert redis_state.read().keys() == {"limit", "meta"}
