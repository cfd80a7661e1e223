"""Raw pushes: what any client may put into `wait` with one LPUSH, and what becomes of it."""

from __future__ import annotations

import json

import pytest

from . import invariants
from .bench import NOW, Bench
from .table import HOST, Row, completed, row_name, started, waiting

MALFORMED = {
    "class": "MalformedEntry",
    "message": "this entry was neither the id of a job nor a JSON object",
}

CLAIM = ("claim", "host", 0, 15_000, 0, 0, 60_000)


def errors_as_objects(state: dict) -> dict:
    """cjson writes an object's members in no order of its own."""
    for fields in state.get("jobs", {}).values():
        if "error" in fields:
            fields["error"] = json.loads(fields["error"])
    return state


@pytest.mark.parametrize(
    "entry",
    ['{"questionId":"q1"}', "{}", ' \n\t{"a":[1,{"b":null}]}', '{"text":"é😀"}', '{"number":NaN}'],
)
def test_a_json_object_becomes_a_job_when_it_is_claimed(bench: Bench, entry: str) -> None:
    bench.write(HOST)
    bench.push(entry)
    bench.take("host:0")

    assert bench.call(*CLAIM) == ["job", "raw-1000000-1"]

    state = bench.read()
    assert state["jobs"] == {
        "raw-1000000-1": {
            "data": entry, "priority": 50, "state": "active", "createdAt": NOW,
            "owner": "host:0", "startedAt": NOW, "fence": 1, "attempts": 1,
        }
    }  # fmt: skip
    assert state["stats"] == {"enqueued": 1}
    assert bench.call(*CLAIM) == ["job", "raw-1000000-1"]
    assert bench.read() == state
    invariants.check(state)


@pytest.mark.parametrize(
    "entry",
    [
        b"no-such-job", b"{broken", b'{"a":1} trailing', b'["a list"]', b'"text"', b"42", b"null", b"", b" ",
        b"\xff\xfe no UTF-8", b'\x00{"a":1}',
        b'{"a":' * 2_000 + b"1" + b"}" * 2_000,  # deeper than any reader goes
    ],
    ids=lambda entry: repr(entry[:20]),
)  # fmt: skip
@pytest.mark.parametrize("met_by", ["claim", "enqueue", "promote"])
def test_anything_else_is_a_dead_letter_as_it_is(bench: Bench, entry: bytes, met_by: str) -> None:
    bench.write(HOST)
    bench.push(entry)
    match met_by:
        case "claim":
            bench.take("host:0")
            assert bench.call(*CLAIM) == ["none"]
        case "enqueue":
            bench.call("enqueue")
        case "promote":
            bench.call("promote", 10)

    assert errors_as_objects(bench.read()) == {
        **HOST,
        "dead": ["raw-1000000-1"],
        "stats": {"enqueued": 1, "failed": 1},
        "jobs": {
            "raw-1000000-1": {
                "data": entry.decode("utf-8", "surrogateescape") if entry != b"42" else 42,
                "priority": 50, "state": "failed", "createdAt": NOW, "finishedAt": NOW,
                "reason": "malformed", "error": MALFORMED,
            }
        },
    }  # fmt: skip


TABLE = [
    Row(
        "whoever places a job gives raw pushes their places first, oldest first",
        given={
            "wait": ['{"n":3}', '{"n":2}', '{"n":1}', "mid", "top"],
            "lanes": {"mid": 50, "top": 10},
            "jobs": {"mid": waiting(), "top": waiting(10)},
        },
        call=("enqueue", "new", "{}", 50, 0),
        reply=[1],
        again=[0],
        changes={
            "wait": ["new", "raw-1000000-3", "raw-1000000-2", "raw-1000000-1", "mid", "top"],
            "lanes": {"mid": None, "new": 50},
            "jobs": {
                "new": waiting(createdAt=NOW),
                **{f"raw-1000000-{n}": waiting(createdAt=NOW, data=f'{{"n":{n}}}') for n in (1, 2, 3)},
            },
            "stats": {"enqueued": 4},
        },
    ),
    Row(
        "their lane is 50: before the less urgent ones that lie to their right",
        given={"wait": ["{}", "low"], "lanes": {"low": 90}, "jobs": {"low": waiting(90)}},
        call=("promote", 10),
        reply=[0, -1],
        changes={
            "wait": ["low", "raw-1000000-1"],
            "lanes": {"raw-1000000-1": 50},
            "jobs": {"raw-1000000-1": waiting(createdAt=NOW)},
            "stats": {"enqueued": 1},
        },
    ),
    Row(
        "an id that was taken already is not given again",
        given={"wait": ["{}"], "jobs": {"raw-1000000-1": completed()}},
        call=("promote", 10),
        reply=[0, -1],
        changes={
            "wait": ["raw-1000000-2"],
            "lanes": {"raw-1000000-2": 50},
            "jobs": {"raw-1000000-2": waiting(createdAt=NOW)},
            "stats": {"enqueued": 1},
        },
    ),
    Row(
        "a completed id pushed again: it is completed, the entry is dropped",
        given={**HOST, "active": {"host:0": ["a"]}, "completed": ["a"], "jobs": {"a": completed()}},
        call=CLAIM,
        reply=["none"],
        changes={"active": None},
    ),
    Row(
        "an id that runs elsewhere: the entry is dropped",
        given={
            **HOST,
            "active": {"host:0": ["a"], "host:1": ["b", "a"]},
            "jobs": {"a": started(), "b": waiting()},
        },
        call=("claim", "host", 1, 15_000, 0, 0, 60_000),
        reply=["job", "b"],
        changes={
            "active": {"host:1": ["b"]},
            "jobs": {
                "b": {"state": "active", "owner": "host:1", "startedAt": NOW, "fence": 1, "attempts": 1}
            },
        },
    ),
    Row(
        "pushed ids that wait nowhere are dropped by whoever places a job",
        given={"wait": ["{}", "done", "{}"], "completed": ["done"], "jobs": {"done": completed()}},
        call=("promote", 10),
        reply=[0, -1],
        changes={
            "wait": ["raw-1000000-2", "raw-1000000-1"],
            "lanes": {"raw-1000000-2": 50},
            "jobs": {f"raw-1000000-{n}": waiting(createdAt=NOW) for n in (1, 2)},
            "stats": {"enqueued": 2},
        },
    ),
]


@pytest.mark.parametrize("row", TABLE, ids=row_name)
def test_raw_pushes(bench: Bench, row: Row) -> None:
    row.check(bench)


def test_a_job_whose_id_is_pushed_again_runs_once(bench: Bench) -> None:
    bench.write(HOST)
    bench.call("enqueue", "a", "{}", 50, 0)
    bench.push("a", "a")

    for slot in (0, 1, 0):
        bench.take(f"host:{slot}")
    assert bench.call("claim", "host", 1, 15_000, 0, 0, 60_000) == ["job", "a"]
    assert bench.call("claim", "host", 0, 15_000, 0, 0, 60_000) == ["none"]
    assert bench.call("complete", "a", "host:1", 1, "{}", 60_000, 10) == ["completed"]

    invariants.check(bench.read())
    assert "wait" not in bench.read()


def test_a_steady_stream_of_jobs_does_not_starve_a_raw_push(bench: Bench) -> None:
    """Each job goes in before what lies at the left end; the raw push still has its turn."""
    bench.write(HOST)
    for number in range(3):
        bench.call("enqueue", f"early-{number}", "{}", 50, 0)
    bench.push("{}")

    ran = []
    for number in range(6):
        bench.call("enqueue", f"late-{number}", "{}", 50, 0)
        bench.take("host:0")
        _, job_id = bench.call(*CLAIM)
        bench.call("complete", job_id, "host:0", 1, "{}", 60_000, 10)
        ran.append(job_id)

    assert ran == ["early-0", "early-1", "early-2", "raw-1000000-1", "late-0", "late-1"]


def test_what_a_dead_slot_held_unread_goes_to_the_front(bench: Bench) -> None:
    bench.write({**HOST, "active": {"host:0": ["{}"]}})
    bench.call("enqueue", "a", "{}", 1, 0)

    assert bench.call("recover", "host:0", "1", 3) == [1, []]

    assert bench.read()["wait"] == ["a", "{}"]


def test_a_burst_of_raw_pushes_is_adopted_in_its_order(bench: Bench) -> None:
    """All in one call and one moment: what each costs must not grow with their number."""
    for start in range(0, 3_000, 500):
        bench.push(*(f'{{"n":{number}}}' for number in range(start, start + 500)))
    bench.call("enqueue", "last", "{}", 50, 0)
    wait = bench.redis.lrange(bench.keys.wait, 0, -1)
    assert len({*wait}) == 3_001
    assert wait[0] == "last"
    assert bench.redis.hget(bench.keys.job(wait[-1]), "data") == '{"n":0}'
    assert bench.redis.hget(bench.keys.job(wait[1]), "data") == '{"n":2999}'
