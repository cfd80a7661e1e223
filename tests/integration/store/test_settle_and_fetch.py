"""Transitions have a short way for what is ordinary: it does what the long one does, which knows all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

from preppath_workers.store.keys import Keys
from preppath_workers.store.scripts import Caller, assembled
from tests.support.redis import RedisServer

from .redis_state import NOW, RedisState, State, merged
from .state_table import HOST, Row, completed, delayed, row_name, started, waiting
from .test_settle import COMPLETE

#: Lease, rate limit and probes, as claim takes them.
TERMS = (15_000, 2, 1_000, 60_000)

#: The turn of the host's first slot, which has done job a.
TURN = ("settle_and_fetch", "host:0", "a", 1, "{}", 60_000, 10, *TERMS)

LONG_CLAIM = assembled("""-- needs: claiming
return claim(ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5], ARGV[6], tonumber(ARGV[7]))""")


def claim_the_long_way(redis_state: RedisState) -> Any:
    """The host's first slot's."""
    words = (NOW, "host", 0, *TERMS)
    return redis_state.claimed(
        "host:0", redis_state.redis.eval(LONG_CLAIM, 1, redis_state.keys.base, *map(str, words))
    )


#: What may lie beside the job that is settled.
SURROUNDINGS: dict[str, State] = {
    "nothing waits": {},
    "a job waits": {"wait": ["n"], "priority_index": {"n": 50}, "jobs": {"n": waiting()}},
    "no token is left": {
        "wait": ["n"],
        "priority_index": {"n": 50},
        "jobs": {"n": waiting()},
        "tokens": {"x#1#1": NOW - 10, "y#1#1": NOW - 5},
    },
    "a token was promised": {"reservations": {"host:0": NOW - 5}},
    "the queue is paused": {"wait": ["n"], "jobs": {"n": waiting()}, "gate": {"paused": 1}},
    "notices are wanted": {"wait": ["n"], "jobs": {"n": waiting()}, "gate": {"eventsUntil": NOW + 9_000}},
    "the queue is out of service": {
        "wait": ["n"],
        "jobs": {"n": waiting()},
        "gate": {"outOfService": "401", "outOfServiceSince": NOW},
    },
    "what waits is no job": {"wait": ["rubbish"]},
    "what waits is accounted for elsewhere": {"wait": ["n"], "jobs": {"n": delayed()}},
    "what waits was started before": {"wait": ["n"], "jobs": {"n": waiting(fencingToken=1, attempts=1)}},
    "something older lies in the slot": {
        "wait": ["n"],
        "active": {"host:0": ["a", "b", "c"]},
        "jobs": {"b": waiting(), "c": waiting(), "n": waiting()},
    },
    "something younger lies in the slot": {
        "wait": ["n"],
        "active": {"host:0": ["c", "b", "a"]},
        "jobs": {"b": waiting(), "c": waiting(), "n": waiting()},
    },
    "something else lies in the slot": {
        "wait": ["n"],
        "active": {"host:0": ["b"]},
        "jobs": {"b": waiting(), "n": waiting()},
    },
    "the job was completed before": {"jobs": {"a": completed()}, "active": None},
    "the job is another's now": {"jobs": {"a": {"workerId": "host:1"}}},
}


@pytest.mark.parametrize("surroundings", SURROUNDINGS.values(), ids=SURROUNDINGS)
@pytest.mark.parametrize("row", COMPLETE, ids=row_name)
def test_a_turn_is_complete_and_claim(redis_state: RedisState, row: Row, surroundings: State) -> None:
    if "active" not in row.given:
        surroundings = {name: value for name, value in surroundings.items() if value is not None}
    given = merged(row.given, surroundings)
    _, job_id, worker_id, fencing_token, result, *retention = row.call
    redis_state.write(given)
    (settled,) = redis_state.call(*row.call)
    claimed = claim_the_long_way(redis_state)
    expected = redis_state.read()
    redis_state.redis.delete(*redis_state.all_keys())
    redis_state.write(given)

    reply = redis_state.call("settle_and_fetch", worker_id, job_id, fencing_token, result, *retention, *TERMS)

    assert reply == [settled, claimed]
    assert redis_state.read() == expected


#: What a pop may have put into the slot, and what may be the matter with it and with the rest.
POPPED: dict[str, State] = {
    "unknown": {},
    "nothing, and others wait": {"wait": ["n"], "priority_index": {"n": 50}, "jobs": {"n": waiting()}},
    "nothing, and a token was promised": {"reservations": {"host:0": NOW - 5}},
    "a job": {"active": {"host:0": ["n"]}, "jobs": {"n": waiting()}},
    "a job, and others wait": {
        "active": {"host:0": ["n"]},
        "wait": ["u"],
        "priority_index": {"u": 1},
        "jobs": {"n": waiting(), "u": waiting(priority=1)},
    },
    "a job for which there is no token": {
        "active": {"host:0": ["n"]},
        "jobs": {"n": waiting()},
        "tokens": {"x#1#1": NOW - 10, "y#1#1": NOW - 5},
    },
    "a job that was started before": {
        "active": {"host:0": ["n"]},
        "jobs": {"n": waiting(fencingToken=1, attempts=1)},
    },
    "what is no job": {"active": {"host:0": ["rubbish"]}},
    "a job, and the queue is paused": {
        "active": {"host:0": ["n"]},
        "jobs": {"n": waiting()},
        "gate": {"paused": 1},
    },
    "a job, and notices are wanted": {
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


@pytest.mark.parametrize("instance", [HOST, {}, {**HOST, "instance": {"host": {"slots": 1, "gone": 1}}}])
@pytest.mark.parametrize("popped", POPPED.values(), ids=POPPED)
def test_a_claim_does_what_the_long_way_does(redis_state: RedisState, popped: State, instance: State) -> None:
    given = merged(instance, popped)
    redis_state.write(given)
    claimed = claim_the_long_way(redis_state)
    expected = redis_state.read()
    redis_state.redis.delete(*redis_state.all_keys())
    redis_state.write(given)

    assert redis_state.call("claim", "host", 0, *TERMS) == claimed
    assert redis_state.read() == expected


#: What a job that is added alone may find.
LINES: dict[str, State] = {
    "unknown": {},
    "a lane that has left": {"priority_index": {"gone": 50}},
    "one as urgent": {"wait": ["b"], "priority_index": {"b": 50}, "jobs": {"b": waiting()}},
    "more urgent ones": {"wait": ["b"], "priority_index": {"b": 10}, "jobs": {"b": waiting(10)}},
    "less urgent ones": {"wait": ["b"], "priority_index": {"b": 90}, "jobs": {"b": waiting(90)}},
    "all kinds": {
        "wait": ["d", "c", "b"],
        "priority_index": {"d": 90, "c": 50, "b": 10},
        "jobs": {"b": waiting(10), "c": waiting(), "d": waiting(90)},
    },
    "no lanes": {"wait": ["b"], "jobs": {"b": waiting()}},
    "a raw push": {"wait": ["{}", "b"], "priority_index": {"b": 50}, "jobs": {"b": waiting()}},
    "an id of a job that has left, pushed again": {
        "wait": ["x", "b"],
        "priority_index": {"x": 50, "b": 90},
        "active": {"host:0": ["x"]},
        "jobs": {"x": started(), "b": waiting(90)},
    },
    "an id of a job that is no more": {
        "wait": ["x", "b"],
        "priority_index": {"x": 50, "b": 90},
        "jobs": {"b": waiting(90)},
    },
    "itself": {"wait": ["a"], "priority_index": {"a": 50}, "jobs": {"a": waiting()}},
    "itself, completed": {"jobs": {"a": completed()}},
}


@pytest.mark.parametrize("delay", [0, 700])
@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_a_job_that_is_added_alone_comes_where_it_would_in_company(
    redis_state: RedisState, line: State, delay: int
) -> None:
    given = merged({"jobs": {"old": completed()}}, line)
    redis_state.write(given)
    reply = redis_state.call("enqueue", "a", "{}", 50, delay, "old", "{}", 50, 0)
    expected = redis_state.read()
    redis_state.redis.delete(*redis_state.all_keys())
    redis_state.write(given)

    assert redis_state.call("enqueue", "a", "{}", 50, delay) == reply[:1]
    assert redis_state.read() == expected


#: Commands that each of these takes, the clock's apart.
ORDINARY: list[tuple[str, State, tuple[str | int, ...], int]] = [
    ("the first job is added", {}, ("enqueue", "a", "{}", 50, 0), 7),
    ("one more is added", LINES["one as urgent"], ("enqueue", "a", "{}", 50, 0), 9),
    (
        "what was popped is claimed",
        {**HOST, **POPPED["a job"]},
        ("claim", "host", 0, 15_000, 0, 0, 60_000),
        6,
    ),
    (
        "one is completed, and another started",
        {
            **HOST,
            "wait": ["b"],
            "priority_index": {"b": 50},
            "active": {"host:0": ["a"]},
            "jobs": {"a": started(), "b": waiting()},
        },
        ("settle_and_fetch", "host:0", "a", 1, "{}", 60_000, 10, 15_000, 0, 0, 60_000),
        10,
    ),
]


@pytest.fixture(scope="module")
def counting_server() -> Iterator[Redis]:
    """One that nobody else uses: it counts commands."""
    with RedisServer() as server, Redis.from_url(server.url, decode_responses=True) as client:
        yield client


@pytest.mark.parametrize(("name", "state", "call", "commands"), ORDINARY, ids=[row[0] for row in ORDINARY])
def test_the_ordinary_takes_few_commands(
    counting_server: Redis, name: str, state: State, call: tuple[str | int, ...], commands: int
) -> None:
    """The long ways would do as well, and take longer."""
    counting_server.flushall()
    redis_state = RedisState(counting_server, Keys("counted", "tts"))
    redis_state.write(state)
    counting_server.config_resetstat()
    Caller(counting_server, redis_state.keys.base, now=str(NOW))(str(call[0]), *call[1:])

    called = counting_server.info("commandstats")
    ours = {"cmdstat_evalsha", "cmdstat_eval", "cmdstat_config|resetstat", "cmdstat_info"}
    assert sum(called[name]["calls"] for name in called.keys() - ours) == commands


def test_who_mended_the_queue_may_go_on(redis_state: RedisState) -> None:
    """A probe has succeeded: the next job starts as if there had been no hold."""
    redis_state.write(
        {
            **HOST,
            "wait": ["b"],
            "active": {"host:0": ["a"]},
            "jobs": {"a": started(outage=3, probe=1), "b": waiting()},
            "gate": {"probeAt": NOW + 9_000, "outOfService": "401", "outage": 3, "probing": "a"},
        }
    )

    assert redis_state.call(*TURN) == ["reopened", ["job", "b"]]
    assert "gate" not in redis_state.read()


def test_a_turn_that_is_called_again_settles_and_starts_nothing_twice(redis_state: RedisState) -> None:
    redis_state.write(
        {
            **HOST,
            "wait": ["c", "b"],
            "active": {"host:0": ["a"]},
            "jobs": {"a": started(), "b": waiting(), "c": waiting()},
        }
    )
    assert redis_state.call(*TURN) == ["completed", ["job", "b"]]
    after = redis_state.read()

    assert redis_state.call(*TURN, now=NOW + 1) == ["completed", ["job", "b"]]
    assert redis_state.read() == after


def test_an_empty_slot_takes_the_head_by_itself(redis_state: RedisState) -> None:
    redis_state.write({**HOST, "wait": ["b", "a"], "jobs": {"a": waiting(), "b": waiting()}})

    assert redis_state.call("claim", "host", 0, *TERMS) == ["job", "a"]

    assert (redis_state.read()["wait"], redis_state.read()["active"]) == (["b"], {"host:0": ["a"]})


def test_of_entries_that_are_no_jobs_one_call_sorts_out_one(redis_state: RedisState) -> None:
    """Somebody may have pushed a million of them, and nobody else is served meanwhile."""
    redis_state.write(HOST)
    redis_state.push("rubbish", "more rubbish")

    assert redis_state.call("claim", "host", 0, *TERMS) == ["none"]

    assert redis_state.read()["wait"] == ["more rubbish"]
