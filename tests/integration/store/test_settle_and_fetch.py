"""settle_and_fetch and claim: their fast paths do the same as the general ones."""

from __future__ import annotations

from typing import Any

import pytest

from preppath_workers.store.scripts import assembled

from .redis_state import NOW, RedisState, State, merged
from .state_table import HOST, Row, completed, delayed, started, waiting
from .test_settle import COMPLETE

#: Lease, rate limit and probe interval.
CLAIM_ARGUMENTS = (15_000, 2, 1_000, 60_000)

#: The call of the host's first slot, which has finished job a.
SETTLE_AND_FETCH = ("settle_and_fetch", "host:0", 60_000, 10, *CLAIM_ARGUMENTS, "a", 1, "{}")

GENERAL_CLAIM = assembled("""-- needs: claiming
return claim(ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5], ARGV[6], tonumber(ARGV[7]))""")


def claim_generally(redis_state: RedisState) -> Any:
    """Claim for the host's first slot without the fast path."""
    words = (NOW, "host", 0, *CLAIM_ARGUMENTS)
    return redis_state.claimed(
        "host:0", redis_state.redis.eval(GENERAL_CLAIM, 1, redis_state.keys.base, *map(str, words))
    )


#: Other data beside the job that is settled.
SURROUNDINGS: dict[str, State] = {
    "nothing waits": {},
    "a job waits": {"wait": ["n"], "priority_index": {"n": 50}, "jobs": {"n": waiting()}},
    "no token is left": {
        "wait": ["n"],
        "priority_index": {"n": 50},
        "jobs": {"n": waiting()},
        "tokens": {"x#1#1": NOW - 10, "y#1#1": NOW - 5},
    },
    "a token is reserved": {"reservations": {"host:0": NOW - 5}},
    "the queue is paused": {"wait": ["n"], "jobs": {"n": waiting()}, "gate": {"paused": 1}},
    "events are requested": {"wait": ["n"], "jobs": {"n": waiting()}, "gate": {"eventsUntil": NOW + 9_000}},
    "the queue is out of service": {
        "wait": ["n"],
        "jobs": {"n": waiting()},
        "gate": {"outOfService": "401", "outOfServiceSince": NOW},
    },
    "the waiting entry is malformed": {"wait": ["rubbish"]},
    "the waiting id is of a delayed job": {"wait": ["n"], "jobs": {"n": delayed()}},
    "the waiting job was started before": {"wait": ["n"], "jobs": {"n": waiting(fencingToken=1, attempts=1)}},
    "older jobs are in the slot": {
        "wait": ["n"],
        "active": {"host:0": ["a", "b", "c"]},
        "jobs": {"b": waiting(), "c": waiting(), "n": waiting()},
    },
    "newer jobs are in the slot": {
        "wait": ["n"],
        "active": {"host:0": ["c", "b", "a"]},
        "jobs": {"b": waiting(), "c": waiting(), "n": waiting()},
    },
    "another job is in the slot": {
        "wait": ["n"],
        "active": {"host:0": ["b"]},
        "jobs": {"b": waiting(), "n": waiting()},
    },
    "the job was completed before": {"jobs": {"a": completed()}, "active": None},
    "another worker has the job": {"jobs": {"a": {"workerId": "host:1"}}},
}


@pytest.mark.parametrize(
    ("row", "surroundings"),
    [
        *(pytest.param(COMPLETE[0], state, id=name) for name, state in SURROUNDINGS.items()),
        *(pytest.param(row, SURROUNDINGS["a job waits"], id=row.name) for row in COMPLETE[1:]),
    ],
)
def test_settle_and_fetch_equals_complete_and_claim(
    redis_state: RedisState, row: Row, surroundings: State
) -> None:
    given = merged(row.given, surroundings)
    _, job_id, worker_id, fencing_token, result, *retention = row.call
    redis_state.write(given)
    (settled,) = redis_state.call(*row.call)
    claimed = claim_generally(redis_state)
    expected = redis_state.read()
    redis_state.redis.delete(*redis_state.all_keys())
    redis_state.write(given)

    reply = redis_state.call(
        "settle_and_fetch", worker_id, *retention, *CLAIM_ARGUMENTS, job_id, fencing_token, result
    )

    assert reply == [*claimed, settled]
    assert redis_state.read() == expected


#: What a pop may have put into the slot, beside other data.
POPPED: dict[str, State] = {
    "nothing": {},
    "nothing, and others wait": {"wait": ["n"], "priority_index": {"n": 50}, "jobs": {"n": waiting()}},
    "nothing, and a token is reserved": {"reservations": {"host:0": NOW - 5}},
    "a job": {"active": {"host:0": ["n"]}, "jobs": {"n": waiting()}},
    "a job, and others wait": {
        "active": {"host:0": ["n"]},
        "wait": ["u"],
        "priority_index": {"u": 1},
        "jobs": {"n": waiting(), "u": waiting(priority=1)},
    },
    "a job without a free token": {
        "active": {"host:0": ["n"]},
        "jobs": {"n": waiting()},
        "tokens": {"x#1#1": NOW - 10, "y#1#1": NOW - 5},
    },
    "a job that was started before": {
        "active": {"host:0": ["n"]},
        "jobs": {"n": waiting(fencingToken=1, attempts=1)},
    },
    "a malformed entry": {"active": {"host:0": ["rubbish"]}},
    "a job, and the queue is paused": {
        "active": {"host:0": ["n"]},
        "jobs": {"n": waiting()},
        "gate": {"paused": 1},
    },
    "a job, and events are requested": {
        "active": {"host:0": ["n"]},
        "jobs": {"n": waiting()},
        "gate": {"eventsUntil": NOW + 9_000},
    },
    "a job, and a hold is over": {
        "active": {"host:0": ["n"]},
        "jobs": {"n": waiting()},
        "gate": {"heldUntil": NOW - 1},
    },
    "two jobs": {"active": {"host:0": ["n", "m"]}, "jobs": {"m": waiting(), "n": waiting()}},
}


@pytest.mark.parametrize(
    ("popped", "instance"),
    [
        *(pytest.param(popped, HOST, id=name) for name, popped in POPPED.items()),
        pytest.param(POPPED["a job"], {}, id="unknown instance"),
        pytest.param(
            POPPED["a job"],
            {**HOST, "instance": {"host": {"slots": 1, "gone": 1}}},
            id="instance presumed dead",
        ),
    ],
)
def test_claim_equals_the_general_claim(redis_state: RedisState, popped: State, instance: State) -> None:
    given = merged(instance, popped)
    redis_state.write(given)
    claimed = claim_generally(redis_state)
    expected = redis_state.read()
    redis_state.redis.delete(*redis_state.all_keys())
    redis_state.write(given)

    assert redis_state.call("claim", "host", 0, *CLAIM_ARGUMENTS) == claimed
    assert redis_state.read() == expected


def test_settle_and_fetch_of_a_successful_probe_starts_the_next_job(redis_state: RedisState) -> None:
    """The queue is in service again."""
    redis_state.write(
        {
            **HOST,
            "wait": ["b"],
            "active": {"host:0": ["a"]},
            "jobs": {"a": started(outage=3, probe=1), "b": waiting()},
            "gate": {"probeAt": NOW + 9_000, "outOfService": "401", "outage": 3, "probing": "a"},
        }
    )

    assert redis_state.call(*SETTLE_AND_FETCH) == ["job", "b", "reopened"]
    assert "gate" not in redis_state.read()


def test_settle_and_fetch_repeated_settles_and_starts_once(redis_state: RedisState) -> None:
    redis_state.write(
        {
            **HOST,
            "wait": ["c", "b"],
            "active": {"host:0": ["a"]},
            "jobs": {"a": started(), "b": waiting(), "c": waiting()},
        }
    )
    assert redis_state.call(*SETTLE_AND_FETCH) == ["job", "b", "completed"]
    after = redis_state.read()

    assert redis_state.call(*SETTLE_AND_FETCH, now=NOW + 1) == ["job", "b", "completed"]
    assert redis_state.read() == after


def test_claim_of_an_empty_slot_takes_the_head(redis_state: RedisState) -> None:
    redis_state.write({**HOST, "wait": ["b", "a"], "jobs": {"a": waiting(), "b": waiting()}})

    assert redis_state.call("claim", "host", 0, *CLAIM_ARGUMENTS) == ["job", "a"]

    assert (redis_state.read()["wait"], redis_state.read()["active"]) == (["b"], {"host:0": ["a"]})


def test_claim_handles_one_malformed_entry_per_call(redis_state: RedisState) -> None:
    """There may be a million of them, and Redis serves no other client meanwhile."""
    redis_state.write(HOST)
    redis_state.push("rubbish", "more rubbish")

    assert redis_state.call("claim", "host", 0, *CLAIM_ARGUMENTS) == ["none"]

    assert redis_state.read()["wait"] == ["more rubbish"]
