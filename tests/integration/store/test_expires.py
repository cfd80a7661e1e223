"""Jobs that end as `expired` because they did not start in time."""

from __future__ import annotations

from typing import Any

import pytest

from preppath_workers.errors import JobFailed
from preppath_workers.queue import NewJob, Queue

from .redis_state import NOW, RedisState
from .state_table import HOST, Row, row_name, waiting

EXPIRED = {"state": "expired", "finishedAt": NOW, "ttl": 86_400}
CLAIM = ("claim", "host", 0, 15_000, 0, 0, 30_000)
#: A job that should have started a moment ago.
LATE = waiting(expiresAt=NOW, fencingToken=0)


def expired(name: str, given: dict[str, Any], reply: Any, changes: dict[str, Any]) -> Row:
    jobs = {"jobs": {"a": EXPIRED, **changes.pop("jobs", {})}}
    return Row(name, {**HOST, **given}, CLAIM, reply, {"stats": {"expired": 1}, **changes, **jobs}, reply)


TABLE = [
    Row(
        "enqueue: the time is stored, and a fencing token that keeps the job off the fast path",
        given={},
        call=("enqueue", "a", "{}", 50, '{"delay":0,"expires":1500}'),
        reply=[1],
        again=[0],
        changes={
            "wait": ["a"],
            "priority_index": {"a": 50},
            "jobs": {"a": {**waiting(), "createdAt": NOW, "expiresAt": NOW + 1_500, "fencingToken": 0}},
            "stats": {"enqueued": 1},
        },
    ),
    expired(
        "claim: a late job at the head",
        {"wait": ["a"], "priority_index": {"a": 50}, "jobs": {"a": LATE}},
        ["none"],
        {"wait": None},
    ),
    expired(
        "claim: a late job that a pop has moved",
        {"active": {"host:0": ["a"]}, "jobs": {"a": LATE}},
        ["none"],
        {"active": None},
    ),
    expired(
        "claim: in a paused queue",
        {"active": {"host:0": ["a"]}, "jobs": {"a": LATE}, "gate": {"paused": 1}},
        ["none"],
        {"active": None},
    ),
    expired(
        "claim: an event is emitted",
        {"active": {"host:0": ["a"]}, "jobs": {"a": LATE}, "gate": {"eventsUntil": NOW + 60_000}},
        ["none"],
        {"active": None, "events": [f'{{"at":{NOW},"id":"a","replays":0,"event":"expired"}}']},
    ),
    Row(
        "enqueue: the id of an expired job is free again",
        given={"jobs": {"a": {**LATE, "state": "expired"}}},
        call=("enqueue", "a", "{}", 50, 0),
        reply=[1],
        again=[0],
        changes={
            "wait": ["a"],
            "priority_index": {"a": 50},
            "jobs": {"a": {"state": "waiting", "createdAt": NOW, "expiresAt": None, "fencingToken": None}},
            "stats": {"enqueued": 1},
        },
    ),
]  # fmt: skip


@pytest.mark.parametrize("row", TABLE, ids=row_name)
def test_job_past_its_expiry_ends_as_expired(row: Row, redis_state: RedisState) -> None:
    if "events" in row.changes:  # the order of cjson's fields is its own
        redis_state.write(row.given)
        assert redis_state.call(*map(str, row.call)) == row.reply
        (event,) = redis_state.read()["events"]
        assert '"event":"expired"' in event
    else:
        row.check(redis_state)


def test_job_that_starts_in_time_never_expires(redis_state: RedisState) -> None:
    redis_state.call("enqueue", "a", "{}", 50, '{"expires":1000}')
    assert redis_state.call(*CLAIM, now=NOW + 999) == ["job", "a"]

    redis_state.call("release", "a", "host:0", 1, 0, "", now=NOW + 5_000)

    assert redis_state.call(*CLAIM, now=NOW + 6_000) == ["job", "a"]


def test_late_job_never_probes(redis_state: RedisState) -> None:
    gate = {"outOfService": "503", "service": "openai", "outage": 1, "probeAt": NOW, "tried": 9}
    redis_state.write(HOST | {"wait": ["a"], "priority_index": {"a": 50}, "jobs": {"a": LATE}, "gate": gate})

    assert redis_state.call(*CLAIM) == ["none"]

    assert redis_state.read()["jobs"]["a"]["state"] == "expired"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (("a b", "{}", 50, 0), "job a b: id must be 1 to 128"),
        (("", "{}", 50, 5), "id must be"),
        (("a", "{}", 0, 5), "job a: priority must be a whole number from 1 to 100"),
        (("a", "{}", "high", 5), "priority must be"),
        (("a", "{}", 1.5, 5), "priority must be"),
        (("a", "{}", 50, -1), "delay must be 0 or more"),
        (("a", "{}", 50, "nan"), "delay must be"),
        (("a", "{}", 50, "soon"), "delay must be ms"),
        (("a", "{}", 50, '{"expires": 5, "delay": 5}'), "expires must be later than delay"),
        (("a", "{}", 50, '{"expire": 5}'), "unknown option expire"),
        (("good", "{}", 50, 0, "a", "{}", 50), "delay must be ms"),
        (("a", "[]", 50, 0), "data must be a JSON object"),
        (("a", "{", 50, 0), "data must be a JSON object"),
        ((), "delay must be"),
    ],
)
def test_enqueue_with_a_wrong_argument_names_it_and_adds_nothing(
    redis_state: RedisState, call: tuple[str | int, ...], message: str
) -> None:
    with pytest.raises(Exception, match=message):
        redis_state.call("enqueue_checked", *call)

    assert redis_state.read() == {}


def test_new_job_that_expires_before_it_is_due_is_refused() -> None:
    with pytest.raises(ValueError, match="expires must be later than delay"):
        NewJob({}, delay=5, expires=5).encode()


def test_job_ref_of_an_expired_job_raises_that(queue: Queue, redis_state: RedisState) -> None:
    ref = queue.enqueue({}, expires=60)
    assert redis_state.call(*CLAIM, now=10**15) == ["none"]

    with pytest.raises(JobFailed, match="expired"):
        ref.wait(5)
