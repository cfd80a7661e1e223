"""complete, retry, release, progress and checkpoint, called by the attempt that has the job."""

from __future__ import annotations

import pytest

from .failing import failing
from .redis_state import NOW, RedisState, State
from .state_table import HELD, RUNS, Row, row_name, started, waiting

DAY = 86_400_000


def runs(**fields: str | int) -> State:
    return {**RUNS, "jobs": {"a": started(**fields)}}


def done(result: str, seconds: int) -> State:
    end = {"state": "completed", "result": result, "progress": 100, "finishedAt": NOW, "ttl": seconds}
    return {"jobs": {"a": end}, "stats": {"completed": 1}}


#: The streak after one unknown failure, which may be the first of several alike.
ALIKE = {
    "alike": {"a": 1},
    "signature": "boom",
}


def retried(ms: int, failures: int, error: str = "{}") -> State:
    return {
        "active": None,
        "delayed": {"a": NOW + ms},
        "jobs": {"a": {"state": "delayed", "failures": failures, "error": error}},
        "stats": {"retried": 1},
        "gate": {"streak": ALIKE},
    }


def buried(reason: str, failures: int = 1) -> State:
    end = {"state": "failed", "reason": reason, "failures": failures, "error": "{}", "finishedAt": NOW}
    gate = {"gate": {"streak": ALIKE}} if reason == "retries" else {}
    return {"active": None, "dead": ["a"], "jobs": {"a": end}, "stats": {"failed": 1}, **gate}


COMPLETE = [
    Row(
        "complete: the result, listed, for a day",
        given={**RUNS, "completed": ["z"]},
        call=("complete", *HELD, '{"n":1}', DAY, 1_000),
        reply=["completed"],
        changes={
            "active": None,
            "completed": ["a", "z"],
            **done('{"n":1}', 86_400),
        },
    ),
    Row(
        "complete: up to a tenth above the cap is kept",
        given={**RUNS, "completed": [*"0123456789"]},
        call=("complete", *HELD, "{}", DAY, 10),
        reply=["completed"],
        changes={"active": None, "completed": ["a", *"0123456789"], **done("{}", 86_400)},
    ),
    Row(
        "complete: beyond that the list is trimmed to the cap",
        given={**RUNS, "completed": [*"0123456789x"]},
        call=("complete", *HELD, "{}", DAY, 10),
        reply=["completed"],
        changes={"active": None, "completed": ["a", *"012345678"], **done("{}", 86_400)},
    ),
    Row(
        "complete: the oldest is removed from a full list",
        given={**RUNS, "completed": ["z", "y", "x"]},
        call=("complete", *HELD, "{}", DAY, 2),
        reply=["completed"],
        changes={
            "active": None,
            "completed": ["a", "z"],
            **done("{}", 86_400),
        },
    ),
    Row(
        "complete: with a cap of 0 the job isn't listed",
        given=RUNS,
        call=("complete", *HELD, "{}", 60_000, 0),
        reply=["completed"],
        changes={
            "active": None,
            **done("{}", 60),
        },
    ),
    Row(
        "complete: other jobs in the slot stay",
        given={**RUNS, "active": {"host:0": ["b", "a"]}, "jobs": {"a": started(), "b": waiting()}},
        call=("complete", *HELD, "{}", 60_000, 10),
        reply=["completed"],
        changes={
            "active": {"host:0": ["b"]},
            "completed": ["a"],
            **done("{}", 60),
        },
    ),
]  # fmt: skip

#: settle_and_fetch uses the reservation for the next job instead.
RESERVED = [
    Row(
        "complete: a reservation is removed",
        given={**RUNS, "reservations": {"host:0": NOW + 300}},
        call=("complete", *HELD, "{}", DAY, 1_000),
        reply=["completed"],
        changes={"active": None, "reservations": None, "completed": ["a"], **done("{}", 86_400)},
    ),
]

RETRY = [
    *(
        Row(
            f"retry {failures} of 3 waits {ms} ms",
            given=runs(failures=failures - 1),
            call=("retry", *HELD, *failing('{"class":"E"}', "unknown", 3, 1_000, 0)),
            reply=["delayed", ms, "counted", "open"],
            again=["delayed", ms],
            changes=retried(ms, failures, '{"class":"E"}'),
        )
        for failures, ms in [(1, 1_000), (2, 2_000), (3, 4_000)]
    ),
    Row(
        "retry: a dead letter after the third",
        given=runs(failures=3),
        call=("retry", *HELD, *failing("{}", "unknown", 3, 1_000, 0)),
        reply=["dead", "retries", "counted", "open"],
        again=["dead", "retries"],
        changes=buried("retries", failures=4),
    ),
    Row(
        "retry: none allowed",
        given=RUNS,
        call=("retry", *HELD, *failing("{}", "unknown", 0, 1_000, 0)),
        reply=["dead", "retries", "counted", "open"],
        again=["dead", "retries"],
        changes=buried("retries"),
    ),
    Row(
        "retry: attempts that ended with the worker's death do not count",
        given=runs(attempts=7, recoveries=3),
        call=("retry", *HELD, *failing("{}", "unknown", 1, 1_000, 0)),
        reply=["delayed", 1_000, "counted", "open"],
        again=["delayed", 1_000],
        changes=retried(1_000, failures=1),
    ),
    *(
        Row(
            f"retry: {reason} is a dead letter at once",
            given={**RUNS, "dead": ["z"]},
            call=("retry", *HELD, *failing("{}", reason, 3, 1_000, 5_000)),
            reply=["dead", reason, "counted", "open"],
            again=["dead", reason],
            changes={**buried(reason), "dead": ["a", "z"]},
        )
        for reason in ("invalid", "permanent")
    ),
    Row(
        "retry: the service asks for more than the backoff",
        given=RUNS,
        call=("retry", *HELD, *failing("{}", "unknown", 3, 1_000, 30_000)),
        reply=["delayed", 30_000, "counted", "open"],
        again=["delayed", 30_000],
        changes=retried(30_000, failures=1),
    ),
    Row(
        "retry: the service asks for less than the backoff",
        given=runs(failures=2),
        call=("retry", *HELD, *failing("{}", "unknown", 3, 1_000, 1_500)),
        reply=["delayed", 4_000, "counted", "open"],
        again=["delayed", 4_000],
        changes=retried(4_000, failures=3),
    ),
    Row(
        "retry: no backoff at all",
        given=RUNS,
        call=("retry", *HELD, *failing("{}", "unknown", 3, 0, 0)),
        reply=["delayed", 0, "counted", "open"],
        again=["delayed", 0],
        changes={
            "active": None,
            "stats": {"retried": 1},
            "gate": {"streak": ALIKE},
            "jobs": {"a": {"state": "waiting", "failures": 1, "error": "{}", "queuedAt": NOW}},
            "wait": ["a"],
            "priority_index": {"a": 50},
        },
    ),
]

RELEASED: State = {"state": "waiting", "queuedAt": NOW, "attempts": 0, "releases": 1}

RELEASE = [
    Row(
        "release: to the front of its priority, the attempt does not count",
        given={
            **RUNS,
            "wait": ["low", "mid", "top"],
            "priority_index": {"low": 90, "mid": 50, "top": 10},
            "jobs": {"a": started(failures=1), "low": waiting(90), "mid": waiting(), "top": waiting(10)},
        },
        call=("release", *HELD, 0, ""),
        reply=["released"],
        changes={
            "active": None,
            "wait": ["low", "mid", "a", "top"],
            "jobs": {"a": RELEASED},
            "stats": {"released": 1},
        },
    ),
    Row(
        "release: the only job enters the index",
        given={**RUNS, "priority_index": {"gone": 50}},
        call=("release", *HELD, 0, ""),
        reply=["released"],
        changes={
            "active": None,
            "wait": ["a"],
            "priority_index": {"gone": None, "a": 50},
            "jobs": {"a": RELEASED},
            "stats": {"released": 1},
        },
    ),
    Row(
        "release: holds the queue",
        given=RUNS,
        call=("release", *HELD, 5_000, "slow down"),
        reply=["released"],
        changes={
            "active": None,
            "wait": ["a"],
            "priority_index": {"a": 50},
            "gate": {"heldUntil": NOW + 5_000, "heldSetAt": NOW, "heldReason": "slow down"},
            "jobs": {"a": {**RELEASED, "rateLimits": 1}},
            "stats": {"released": 1},
        },
    ),
    Row(
        "release: a hold is never shortened",
        given={**RUNS, "gate": {"heldUntil": NOW + 9_000, "heldReason": "first"}},
        call=("release", *HELD, 5_000, "second"),
        reply=["released"],
        changes={
            "active": None,
            "wait": ["a"],
            "priority_index": {"a": 50},
            "jobs": {"a": {**RELEASED, "rateLimits": 1}},
            "stats": {"released": 1},
        },
    ),
]

NOTES = [
    Row(
        "progress",
        given=runs(progress=10),
        call=("progress", *HELD, 40),
        reply=["ok"],
        changes={"jobs": {"a": {"progress": 40}}},
    ),
    Row(
        "checkpoint",
        given=RUNS,
        call=("checkpoint", *HELD, "transcript", '{"text":"é"}'),
        reply=["ok"],
        changes={"jobs": {"a": {"checkpoint:transcript": '{"text":"é"}'}}},
    ),
]


@pytest.mark.parametrize("row", COMPLETE + RESERVED + RETRY + RELEASE + NOTES, ids=row_name)
def test_settle_transitions_of_the_attempt_change_its_job(redis_state: RedisState, row: Row) -> None:
    row.check(redis_state)
