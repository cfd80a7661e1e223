"""Raw pushes: entries that any client adds to `wait` with one LPUSH."""

from __future__ import annotations

import json

import pytest

from . import invariants
from .redis_state import NOW, RedisState
from .state_table import HOST, Row, completed, row_name, started, waiting

MALFORMED = {
    "class": "MalformedEntry",
    "message": "this entry was neither the id of a job nor a JSON object",
}

CLAIM = ("claim", "host", 0, 15_000, 0, 0, 60_000)


def errors_as_objects(state: dict) -> dict:
    """Parse errors, since cjson writes an object's members in any order."""
    for fields in state.get("jobs", {}).values():
        if "error" in fields:
            fields["error"] = json.loads(fields["error"])
    return state


@pytest.mark.parametrize(
    "entry",
    [
        '{"questionId":"q1"}',
        "{}",
        ' \n\t{"a":[1,{"b":null}]}',
        '{"text":"é😀"}',
        '{"a":[-0,1.5e-3,10E+2,0.1,true,false,null]}',
        r'{"half":"\ud83d"}',
        r'{"half":"\uDE00 \\ud83d"}',
        '{"a\x7f":1e999}',
    ],
)
def test_claim_of_a_raw_push_makes_it_a_job(redis_state: RedisState, entry: str) -> None:
    redis_state.write(HOST)
    redis_state.push(entry)
    redis_state.take("host:0")

    assert redis_state.call(*CLAIM) == ["job", "raw-1000000-1"]

    state = redis_state.read()
    assert state["jobs"] == {
        "raw-1000000-1": {
            "data": entry, "priority": 50, "state": "active", "createdAt": NOW,
            "workerId": "host:0", "startedAt": NOW, "fencingToken": 1, "attempts": 1,
        }
    }  # fmt: skip
    assert state["stats"] == {"enqueued": 1}
    assert redis_state.call(*CLAIM) == ["job", "raw-1000000-1"]
    assert redis_state.read() == state
    invariants.check(state)


@pytest.mark.parametrize(
    "entry",
    [
        b"no-such-job", b"{broken", b'{"a":1} trailing', b'["a list"]', b'"text"', b"42", b"null", b"", b" ",
        b"\xff\xfe no UTF-8", b'\x00{"a":1}',
        b'{"a":' * 2_000 + b"1" + b"}" * 2_000,  # deeper than any parser accepts
        # Accepted by Redis's cjson.
        b'{"n":NaN}', b'{"n":[-Infinity]}', b'{"n":0x10}', b'{"n":01}', b'{"n":1.}', b'{"n":.5}', b'{"n":+1}',
        b'{"s":"a\nb"}', b'{"s":"\xff"}', b'{"s":"\xed\xa0\xbd"}', b'{"s":"\xc3\xff\xa9"}', b'{"n":inf}',
    ],
    ids=lambda entry: repr(entry[:20]),
)  # fmt: skip
def test_claim_of_a_malformed_entry_makes_a_dead_letter(redis_state: RedisState, entry: bytes) -> None:
    check_malformed(redis_state, entry, "claim")


@pytest.mark.parametrize("transition", ["enqueue", "promote_due"])
def test_ingest_of_a_malformed_entry_makes_a_dead_letter(redis_state: RedisState, transition: str) -> None:
    check_malformed(redis_state, b"{broken", transition)


def check_malformed(redis_state: RedisState, entry: bytes, transition: str) -> None:
    redis_state.write(HOST)
    redis_state.push(entry)
    match transition:
        case "claim":
            redis_state.take("host:0")
            assert redis_state.call(*CLAIM) == ["none"]
        case "enqueue":
            redis_state.call("enqueue")
        case "promote_due":
            redis_state.call("promote_due", 10)

    state = errors_as_objects(redis_state.read())
    error = state["jobs"]["raw-1000000-1"]["error"]
    assert error["message"].startswith(MALFORMED["message"])
    error["message"] = MALFORMED["message"]
    assert state == {
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


@pytest.mark.parametrize(
    ("entry", "position"),
    [
        (b'{"a":1,}', "Expected object key string but found T_OBJ_END at character 8"),
        (b'{"text":"\xc3\xa9\xff"}', "not UTF-8 at byte 12"),
        (b'{"a":"b","n":NaN}', "invalid value at byte 14"),
        (b'{"a":"b\n"}', "control character in a string at byte 8"),
    ],
)
def test_ingest_of_a_malformed_entry_names_the_position(
    redis_state: RedisState, entry: bytes, position: str
) -> None:
    redis_state.push(entry)
    redis_state.call("enqueue")

    error = errors_as_objects(redis_state.read())["jobs"]["raw-1000000-1"]["error"]
    assert error["message"] == f"{MALFORMED['message']}: {position}"


TABLE = [
    Row(
        "enqueue: raw pushes are ingested first, oldest first",
        given={
            "wait": ['{"n":3}', '{"n":2}', '{"n":1}', "mid", "top"],
            "priority_index": {"mid": 50, "top": 10},
            "jobs": {"mid": waiting(), "top": waiting(10)},
        },
        call=("enqueue", "new", "{}", 50, 0),
        reply=[1],
        again=[0],
        changes={
            "wait": ["new", "raw-1000000-3", "raw-1000000-2", "raw-1000000-1", "mid", "top"],
            "priority_index": {"mid": None, "new": 50},
            "jobs": {
                "new": waiting(createdAt=NOW),
                **{f"raw-1000000-{n}": waiting(createdAt=NOW, data=f'{{"n":{n}}}') for n in (1, 2, 3)},
            },
            "stats": {"enqueued": 4},
        },
    ),
    Row(
        "promote_due: a raw push has priority 50, before less urgent jobs",
        given={"wait": ["{}", "low"], "priority_index": {"low": 90}, "jobs": {"low": waiting(90)}},
        call=("promote_due", 10),
        reply=[0, -1],
        changes={
            "wait": ["low", "raw-1000000-1"],
            "priority_index": {"raw-1000000-1": 50},
            "jobs": {"raw-1000000-1": waiting(createdAt=NOW)},
            "stats": {"enqueued": 1},
        },
    ),
    Row(
        "promote_due: an id in use isn't given again",
        given={"wait": ["{}"], "jobs": {"raw-1000000-1": completed()}},
        call=("promote_due", 10),
        reply=[0, -1],
        changes={
            "wait": ["raw-1000000-2"],
            "priority_index": {"raw-1000000-2": 50},
            "jobs": {"raw-1000000-2": waiting(createdAt=NOW)},
            "stats": {"enqueued": 1},
        },
    ),
    Row(
        "claim: the id of a completed job is dropped",
        given={**HOST, "active": {"host:0": ["a"]}, "completed": ["a"], "jobs": {"a": completed()}},
        call=CLAIM,
        reply=["none"],
        changes={"active": None},
    ),
    Row(
        "claim: the id of a job active elsewhere is dropped",
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
                "b": {
                    "state": "active",
                    "workerId": "host:1",
                    "startedAt": NOW,
                    "fencingToken": 1,
                    "attempts": 1,
                }
            },
        },
    ),
    Row(
        "promote_due: ids of finished jobs are dropped",
        given={"wait": ["{}", "done", "{}"], "completed": ["done"], "jobs": {"done": completed()}},
        call=("promote_due", 10),
        reply=[0, -1],
        changes={
            "wait": ["raw-1000000-2", "raw-1000000-1"],
            "priority_index": {"raw-1000000-2": 50},
            "jobs": {f"raw-1000000-{n}": waiting(createdAt=NOW) for n in (1, 2)},
            "stats": {"enqueued": 2},
        },
    ),
]


@pytest.mark.parametrize("row", TABLE, ids=row_name)
def test_ingest_in_each_state_makes_jobs_or_drops(redis_state: RedisState, row: Row) -> None:
    row.check(redis_state)


@pytest.mark.parametrize("empty_priorities", [{}, {"gone": 90}], ids=["alone", "before an empty priority"])
def test_ingest_of_a_malformed_entry_moves_the_index_to_the_job_ahead(
    redis_state: RedisState, empty_priorities: dict[str, int]
) -> None:
    redis_state.write(
        {
            "wait": ["rubbish", "a"],
            "priority_index": {"rubbish": 50, **empty_priorities},
            "jobs": {"a": waiting()},
        }
    )
    redis_state.call("promote_due", 10)
    state = redis_state.read()
    assert (state["wait"], state["dead"]) == (["a"], ["raw-1000000-1"])
    assert state["priority_index"] == {"a": 50, **empty_priorities}


def test_claim_of_an_id_pushed_again_starts_the_job_once(redis_state: RedisState) -> None:
    redis_state.write(HOST)
    redis_state.call("enqueue", "a", "{}", 50, 0)
    redis_state.push("a", "a")

    for slot in (0, 1, 0):
        redis_state.take(f"host:{slot}")
    assert redis_state.call("claim", "host", 1, 15_000, 0, 0, 60_000) == ["job", "a"]
    assert redis_state.call("claim", "host", 0, 15_000, 0, 0, 60_000) == ["none"]
    assert redis_state.call("complete", "a", "host:1", 1, "{}", 60_000, 10) == ["completed"]

    invariants.check(redis_state.read())
    assert "wait" not in redis_state.read()


def test_raw_push_among_steady_enqueues_runs_in_turn(redis_state: RedisState) -> None:
    """Each job is placed before the entry at the left end; the raw push still runs in turn."""
    redis_state.write(HOST)
    for number in range(3):
        redis_state.call("enqueue", f"early-{number}", "{}", 50, 0)
    redis_state.push("{}")

    ran = []
    for number in range(6):
        redis_state.call("enqueue", f"late-{number}", "{}", 50, 0)
        redis_state.take("host:0")
        _, job_id = redis_state.call(*CLAIM)
        redis_state.call("complete", job_id, "host:0", 1, "{}", 60_000, 10)
        ran.append(job_id)

    assert ran == ["early-0", "early-1", "early-2", "raw-1000000-1", "late-0", "late-1"]


def test_recover_of_a_raw_push_puts_it_to_the_front(redis_state: RedisState) -> None:
    redis_state.write({**HOST, "active": {"host:0": ["{}"]}})
    redis_state.call("enqueue", "a", "{}", 1, 0)

    assert redis_state.call("recover", "host:0", "1", 3) == [1, []]

    assert redis_state.read()["wait"] == ["a", "{}"]
