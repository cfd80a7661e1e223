"""cancel and counts."""

from __future__ import annotations

import pytest

from .bench import NOW, Bench, State
from .table import HOST, Row, completed, delayed, failed, row_name, started, waiting

KEEP = 86_400_000
CANCELLED = {"state": "cancelled", "finishedAt": NOW, "ttl": 86_400}

#: Three lanes, three jobs in the middle one.
LANES: State = {
    "wait": ["low", "mid3", "mid2", "mid1", "top"],
    "lanes": {"low": 90, "mid3": 50, "top": 10},
    "jobs": {"low": waiting(90), **dict.fromkeys(["mid1", "mid2", "mid3"], waiting()), "top": waiting(10)},
}


def cancelled(name: str, given: State, job_id: str, changes: State) -> Row:
    changes = {"jobs": {job_id: CANCELLED}, "stats": {"cancelled": 1}, **changes}
    return Row(name, given, ("cancel", job_id, KEEP), ["cancelled"], changes)


def refused(state: str, given: State) -> Row:
    return Row(f"refused: {state}", given, ("cancel", "a", KEEP), [state])


TABLE = [
    cancelled(
        "the last of its lane: the pointer moves to the one ahead",
        LANES,
        "mid3",
        {"wait": ["low", "mid2", "mid1", "top"], "lanes": {"mid3": None, "mid2": 50}},
    ),
    cancelled("in the middle of its lane", LANES, "mid2", {"wait": ["low", "mid3", "mid1", "top"]}),
    cancelled("the first of its lane", LANES, "mid1", {"wait": ["low", "mid3", "mid2", "top"]}),
    cancelled(
        "the only one of its lane: the pointer goes",
        LANES,
        "low",
        {"wait": ["mid3", "mid2", "mid1", "top"], "lanes": {"low": None}},
    ),
    cancelled(
        "the next to run",
        LANES,
        "top",
        {"wait": ["low", "mid3", "mid2", "mid1"], "lanes": {"top": None}},
    ),
    cancelled(
        "the only job",
        {"wait": ["a"], "lanes": {"a": 50}, "jobs": {"a": waiting()}},
        "a",
        {"wait": None, "lanes": None},
    ),
    cancelled("delayed", {"delayed": {"a": NOW + 5}, "jobs": {"a": delayed()}}, "a", {"delayed": None}),
    cancelled(
        "in the hand of a slot that waits for a token",
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
def test_cancel(bench: Bench, row: Row) -> None:
    row.check(bench)


def test_jobs_go_to_their_places_after_others_were_cancelled(bench: Bench) -> None:
    bench.write(LANES)
    for job_id in ("mid3", "low", "top"):
        bench.call("cancel", job_id, KEEP)

    bench.call("enqueue", "new1", "{}", 50, 0, "new2", "{}", 90, 0, "new3", "{}", 10, 0)

    assert bench.read()["wait"] == ["new2", "new1", "mid2", "mid1", "new3"]


def test_a_slot_whose_job_was_cancelled_between_its_pop_and_its_claim_drops_it(bench: Bench) -> None:
    bench.write({"active": {"unknown:0": ["a"]}, "jobs": {"a": waiting()}})

    assert bench.call("cancel", "a", KEEP) == ["cancelled"]
    assert bench.call("claim", "unknown", 0, 15_000, 0, 0, 60_000) == ["none"]
    assert "active" not in bench.read()


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
    ids=["an empty queue", "in hand counts as waiting; only live instances have children"],
)
def test_counts(bench: Bench, state: State, reply: list[int]) -> None:
    bench.write(state)
    before = bench.read()

    assert bench.call("counts") == reply
    assert bench.read() == before
