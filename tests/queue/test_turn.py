"""turn and start: what complete and claim do, in one step and for what is ordinary alone."""

from __future__ import annotations

import pytest

from .bench import NOW, Bench, State, merged
from .table import HOST, Row, completed, delayed, row_name, started, waiting
from .test_settle import COMPLETE

#: Lease, rate limit and probes, as claim takes them.
TERMS = (15_000, 2, 1_000, 60_000)

#: The turn of the host's first slot, which has done job a.
TURN = ("turn", "host:0", "a", 1, "{}", 60_000, 10, *TERMS[1:3])

#: What may lie beside the job that is settled.
SURROUNDINGS: dict[str, State] = {
    "nothing waits": {},
    "a job waits": {"wait": ["n"], "lanes": {"n": 50}, "jobs": {"n": waiting()}},
    "no token is left": {
        "wait": ["n"],
        "lanes": {"n": 50},
        "jobs": {"n": waiting()},
        "tokens": {"x#1#1": NOW - 10, "y#1#1": NOW - 5},
    },
    "the queue is paused": {"wait": ["n"], "jobs": {"n": waiting()}, "meta": {"paused": 1}},
    "what waits is no job": {"wait": ["rubbish"]},
}


@pytest.mark.parametrize("surroundings", SURROUNDINGS.values(), ids=SURROUNDINGS)
@pytest.mark.parametrize("row", COMPLETE, ids=row_name)
def test_a_turn_is_complete_and_claim(bench: Bench, row: Row, surroundings: State) -> None:
    given = merged(row.given, surroundings)
    _, job_id, owner, fence, result, *retention = row.call
    instance, slot = str(owner).split(":")
    bench.write(given)
    settled = bench.call(*row.call)
    claimed = bench.call("claim", instance, slot, *TERMS)
    expected = bench.read()
    bench.redis.delete(*bench.all_keys())

    bench.write(given)
    before = bench.read()
    reply, then = ["completed"], bench.call("turn", owner, job_id, fence, result, *retention, *TERMS[1:3])
    if then == ["unsettled"]:
        assert bench.read() == before
        reply, then = bench.call(*row.call), ["again"]
    if then == ["again"]:
        then = bench.call("claim", instance, slot, *TERMS)

    assert [reply, then] == [settled, claimed]
    assert bench.read() == expected


#: Where a turn leaves the start to the claim.
NOT_FIRST: dict[str, State] = {
    "what waits is no job": {"wait": ["rubbish"]},
    "what waits is accounted for elsewhere": {"wait": ["n"], "jobs": {"n": delayed()}},
    "what waits was started before": {"wait": ["n"], "jobs": {"n": waiting(fence=1, attempts=1)}},
}

#: Where a turn does nothing.
EXTRAORDINARY: dict[str, State] = {
    "the queue is paused": {"wait": ["n"], "jobs": {"n": waiting()}, "meta": {"paused": 1}},
    "notices are wanted": {"wait": ["n"], "jobs": {"n": waiting()}, "meta": {"notices": NOW + 9_000}},
    "the queue is out of service": {
        "wait": ["n"],
        "jobs": {"n": waiting()},
        "meta": {"outOfService": "401", "outOfServiceSince": NOW},
    },
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
    "the job is another's now": {"jobs": {"a": {"owner": "host:1"}}},
}


@pytest.mark.parametrize("circumstance", NOT_FIRST.values(), ids=NOT_FIRST)
def test_what_is_no_first_start_is_left_to_the_claim(bench: Bench, circumstance: State) -> None:
    bench.write(merged({**HOST, "active": {"host:0": ["a"]}, "jobs": {"a": started()}}, circumstance))

    assert bench.call(*TURN) == ["again"]
    assert bench.read()["jobs"]["a"]["state"] == "completed"


@pytest.mark.parametrize("circumstance", EXTRAORDINARY.values(), ids=EXTRAORDINARY)
def test_what_is_out_of_the_ordinary_is_left_alone(bench: Bench, circumstance: State) -> None:
    bench.write(merged({**HOST, "active": {"host:0": ["a"]}, "jobs": {"a": started()}}, circumstance))
    before = bench.read()

    assert bench.call(*TURN) == ["unsettled"]
    assert bench.read() == before


#: What a pop may have put into the slot, and what may be the matter with it and with the rest.
POPPED: dict[str, State] = {
    "nothing": {},
    "a job": {"active": {"host:0": ["n"]}, "jobs": {"n": waiting()}},
    "a job, and others wait": {
        "active": {"host:0": ["n"]},
        "wait": ["u"],
        "lanes": {"u": 1},
        "jobs": {"n": waiting(), "u": waiting(priority=1)},
    },
    "a job for which there is no token": {
        "active": {"host:0": ["n"]},
        "jobs": {"n": waiting()},
        "tokens": {"x#1#1": NOW - 10, "y#1#1": NOW - 5},
    },
    "a job that was started before": {
        "active": {"host:0": ["n"]},
        "jobs": {"n": waiting(fence=1, attempts=1)},
    },
    "what is no job": {"active": {"host:0": ["rubbish"]}},
    "a job, and the queue is paused": {
        "active": {"host:0": ["n"]},
        "jobs": {"n": waiting()},
        "meta": {"paused": 1},
    },
    "a job, and notices are wanted": {
        "active": {"host:0": ["n"]},
        "jobs": {"n": waiting()},
        "meta": {"notices": NOW + 9_000},
    },
    "a job, and a hold is over": {
        "active": {"host:0": ["n"]},
        "jobs": {"n": waiting()},
        "meta": {"heldUntil": NOW - 1},
    },
    "two jobs": {"active": {"host:0": ["n", "m"]}, "jobs": {"m": waiting(), "n": waiting()}},
}

ORDINARY = (
    *("nothing", "a job", "a job for which there is no token"),
    *("a job, and notices are wanted", "two jobs"),
)


@pytest.mark.parametrize("instance", [HOST, {}, {**HOST, "instance": {"host": {"slots": 1, "gone": 1}}}])
@pytest.mark.parametrize("popped", POPPED)
def test_a_start_is_a_claim(bench: Bench, popped: str, instance: State) -> None:
    given = merged(instance, POPPED[popped])
    bench.write(given)
    claimed = bench.call("claim", "host", 0, *TERMS)
    expected = bench.read()
    bench.redis.delete(*bench.all_keys())

    bench.write(given)
    before = bench.read()
    reply = bench.call("start", "host", 0, *TERMS[1:3])
    assert (reply != ["again"]) == (popped in ORDINARY and instance == HOST)
    if reply == ["again"]:
        assert bench.read() == before
        reply = bench.call("claim", "host", 0, *TERMS)

    assert reply == claimed
    assert bench.read() == expected


def test_the_ordinary_needs_one_call(bench: Bench) -> None:
    bench.write(
        {**HOST, "wait": ["b"], "active": {"host:0": ["a"]}, "jobs": {"a": started(), "b": waiting()}}
    )

    assert bench.call(*TURN) == ["job", "b"]


def test_who_mended_the_queue_may_go_on(bench: Bench) -> None:
    """A probe has succeeded: the next job starts as if there had been no hold."""
    bench.write(
        {
            **HOST,
            "wait": ["b"],
            "active": {"host:0": ["a"]},
            "jobs": {"a": started(startedAt=NOW), "b": waiting()},
            "meta": {"heldUntil": NOW + 9_000, "outOfService": "401", "outOfServiceSince": NOW - 9_000},
        }
    )

    assert bench.call("complete", "a", "host:0", 1, "{}", 60_000, 10) == ["completed"]
    assert bench.call("claim", "host", 0, *TERMS) == ["job", "b"]
    assert "meta" not in bench.read()


def test_a_turn_that_is_called_again_settles_and_starts_nothing_twice(bench: Bench) -> None:
    bench.write(
        {
            **HOST,
            "wait": ["c", "b"],
            "active": {"host:0": ["a"]},
            "jobs": {"a": started(), "b": waiting(), "c": waiting()},
        }
    )
    assert bench.call(*TURN) == ["job", "b"]
    after = bench.read()

    assert bench.call(*TURN, now=NOW + 1) == ["unsettled"]
    assert bench.call("complete", "a", "host:0", 1, "{}", 60_000, 10, now=NOW + 1) == ["completed"]
    assert bench.call("claim", "host", 0, *TERMS) == ["job", "b"]
    assert bench.read() == after


def test_an_empty_slot_takes_the_head_by_itself(bench: Bench) -> None:
    bench.write({**HOST, "wait": ["b", "a"], "jobs": {"a": waiting(), "b": waiting()}})

    assert bench.call("claim", "host", 0, *TERMS) == ["job", "a"]

    assert (bench.read()["wait"], bench.read()["active"]) == (["b"], {"host:0": ["a"]})


def test_of_entries_that_are_no_jobs_one_call_sorts_out_one(bench: Bench) -> None:
    """Somebody may have pushed a million of them, and nobody else is served meanwhile."""
    bench.write(HOST)
    bench.push("rubbish", "more rubbish")

    assert bench.call("claim", "host", 0, *TERMS) == ["none"]

    assert bench.read()["wait"] == ["more rubbish"]
