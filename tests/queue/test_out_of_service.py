"""A vendor that refuses everything holds the queue, and one job at a time probes."""

from __future__ import annotations

import pytest

from .bench import NOW, Bench, State
from .table import HOST, Row, row_name, started, waiting

INTERVAL = 60_000

#: Two slots with a job in hand each, no rate limit.
IN_HAND: State = {
    **HOST,
    "active": {"host:0": ["a"], "host:1": ["b"]},
    "jobs": {"a": waiting(), "b": waiting()},
}
BROKEN = {"outOfService": "wrong key", "outOfServiceSince": NOW - 5, "heldReason": "wrong key"}


def claim(bench: Bench, slot: int, now: int) -> list[object]:
    reply: list[object] = bench.call("claim", "host", slot, 10**9, 0, 0, INTERVAL, now=now)
    return reply


TABLE = [
    Row(
        "release: the queue is out of service until a job succeeds",
        given={**HOST, "active": {"host:0": ["a"]}, "jobs": {"a": started()}},
        call=("release", "a", "host:0", 1, INTERVAL, "wrong key", 1),
        reply=["released"],
        changes={
            "active": None,
            "wait": ["a"],
            "lanes": {"a": 50},
            "meta": {**BROKEN, "outOfServiceSince": NOW, "heldUntil": NOW + INTERVAL},
            "jobs": {"a": {"state": "waiting", "queuedAt": NOW, "attempts": 0, "releases": 1}},
            "stats": {"released": 1},
        },
    ),
    Row(
        "release: a probe failed",
        given={
            **HOST,
            "active": {"host:0": ["a"]},
            "jobs": {"a": started()},
            "meta": {**BROKEN, "heldUntil": NOW + 40_000},
        },
        call=("release", "a", "host:0", 1, INTERVAL, "still wrong", 1),
        reply=["released"],
        changes={
            "active": None,
            "wait": ["a"],
            "lanes": {"a": 50},
            "meta": {
                "outOfService": "still wrong",
                "outOfServiceSince": NOW,
                "heldReason": "still wrong",
                "heldUntil": NOW + INTERVAL,
            },
            "jobs": {"a": {"state": "waiting", "queuedAt": NOW, "attempts": 0, "releases": 1}},
            "stats": {"released": 1},
        },
    ),
    Row(
        "claim: the first one after the hold is the probe, and the hold goes on for the others",
        given={**IN_HAND, "meta": {**BROKEN, "heldUntil": NOW}},
        call=("claim", "host", 0, 15_000, 0, 0, INTERVAL),
        reply=["job", "a"],
        changes={
            "meta": {"heldUntil": NOW + INTERVAL},
            "jobs": {
                "a": {"state": "active", "owner": "host:0", "startedAt": NOW, "fence": 1, "attempts": 1}
            },
        },
    ),
]


@pytest.mark.parametrize("row", TABLE, ids=row_name)
def test_out_of_service(bench: Bench, row: Row) -> None:
    row.check(bench)


def test_one_job_probes_in_each_interval(bench: Bench) -> None:
    bench.write({**IN_HAND, "meta": {**BROKEN, "heldUntil": NOW}})
    assert claim(bench, 0, NOW) == ["job", "a"]
    assert claim(bench, 1, NOW) == ["wait", 1_000]
    # The probe ends otherwise than by succeeding: the next may try when the interval is over.
    bench.call("retry", "a", "host:0", 1, "{}", "", 3, 10**6, 0, now=NOW + 5)
    assert claim(bench, 1, NOW + INTERVAL - 1) == ["wait", 1]
    assert claim(bench, 1, NOW + INTERVAL) == ["job", "b"]


def test_the_success_of_the_probe_opens_the_queue(bench: Bench) -> None:
    bench.write({**IN_HAND, "meta": {**BROKEN, "heldUntil": NOW}})
    claim(bench, 0, NOW)
    bench.call("complete", "a", "host:0", 1, "{}", 60_000, 0, now=NOW + 5)
    assert "meta" not in bench.read()
    assert claim(bench, 1, NOW + 6) == ["job", "b"]


def test_the_success_of_a_job_that_ran_already_proves_nothing(bench: Bench) -> None:
    meta = {**BROKEN, "outOfServiceSince": NOW, "heldUntil": NOW + INTERVAL}
    running = started(startedAt=NOW - 1)
    bench.write({**HOST, "active": {"host:0": ["a"]}, "jobs": {"a": running}, "meta": meta})
    bench.call("complete", "a", "host:0", 1, "{}", 60_000, 0)
    assert bench.read()["meta"] == meta


def test_probes_that_take_longer_than_the_interval_open_the_queue_all_the_same(bench: Bench) -> None:
    bench.write({**IN_HAND, "meta": {**BROKEN, "heldUntil": NOW}})
    claim(bench, 0, NOW)
    assert claim(bench, 1, NOW + INTERVAL) == ["job", "b"]
    bench.call("complete", "a", "host:0", 1, "{}", 60_000, 0, now=NOW + INTERVAL + 5)
    assert "meta" not in bench.read()
