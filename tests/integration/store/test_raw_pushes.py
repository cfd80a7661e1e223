"""Raw pushes: what any client may put into `wait` with one LPUSH, and what becomes of it."""

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
    """cjson writes an object's members in no order of its own."""
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
def test_a_json_object_becomes_a_job_when_it_is_claimed(redis_state: RedisState, entry: str) -> None:
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
        b'{"a":' * 2_000 + b"1" + b"}" * 2_000,  # deeper than any reader goes
        # What Redis's cjson takes.
        b'{"n":NaN}', b'{"n":[-Infinity]}', b'{"n":0x10}', b'{"n":01}', b'{"n":1.}', b'{"n":.5}', b'{"n":+1}',
        b'{"s":"a\nb"}', b'{"s":"\xff"}', b'{"s":"\xed\xa0\xbd"}', b'{"s":"\xc3\xff\xa9"}', b'{"n":inf}',
    ],
    ids=lambda entry: repr(entry[:20]),
)  # fmt: skip
@pytest.mark.parametrize("met_by", ["claim", "enqueue", "promote_due"])
def test_anything_else_is_a_dead_letter_as_it_is(redis_state: RedisState, entry: bytes, met_by: str) -> None:
    redis_state.write(HOST)
    redis_state.push(entry)
    match met_by:
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
    ("entry", "told"),
    [
        (b'{"a":1,}', "Expected object key string but found T_OBJ_END at character 8"),
        (b'{"text":"\xc3\xa9\xff"}', "not UTF-8 at byte 12"),
        (b'{"a":"b","n":NaN}', "invalid value at byte 14"),
        (b'{"a":"b\n"}', "control character in a string at byte 8"),
    ],
)
def test_a_malformed_entry_tells_where(redis_state: RedisState, entry: bytes, told: str) -> None:
    redis_state.push(entry)
    redis_state.call("enqueue")

    error = errors_as_objects(redis_state.read())["jobs"]["raw-1000000-1"]["error"]
    assert error["message"] == f"{MALFORMED['message']}: {told}"


TABLE = [
    Row(
        "whoever places a job gives raw pushes their places first, oldest first",
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
        "their lane is 50: before the less urgent ones that lie to their right",
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
        "an id that was taken already is not given again",
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
        "pushed ids that wait nowhere are dropped by whoever places a job",
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
def test_raw_pushes(redis_state: RedisState, row: Row) -> None:
    row.check(redis_state)


@pytest.mark.parametrize("empty_lanes", [{}, {"gone": 90}], ids=["alone", "an empty lane behind it"])
def test_malformed_push_that_ends_its_lane_leaves_the_pointer_to_the_job_ahead(
    redis_state: RedisState, empty_lanes: dict[str, int]
) -> None:
    redis_state.write(
        {"wait": ["rubbish", "a"], "priority_index": {"rubbish": 50, **empty_lanes}, "jobs": {"a": waiting()}}
    )
    redis_state.call("promote_due", 10)
    state = redis_state.read()
    assert (state["wait"], state["dead"]) == (["a"], ["raw-1000000-1"])
    assert state["priority_index"] == {"a": 50, **empty_lanes}


def test_a_job_whose_id_is_pushed_again_runs_once(redis_state: RedisState) -> None:
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


def test_a_steady_stream_of_jobs_does_not_starve_a_raw_push(redis_state: RedisState) -> None:
    """Each job goes in before what lies at the left end; the raw push still has its turn."""
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


def test_what_a_dead_slot_held_unread_goes_to_the_front(redis_state: RedisState) -> None:
    redis_state.write({**HOST, "active": {"host:0": ["{}"]}})
    redis_state.call("enqueue", "a", "{}", 1, 0)

    assert redis_state.call("recover", "host:0", "1", 3) == [1, []]

    assert redis_state.read()["wait"] == ["a", "{}"]


def push_many(redis_state: RedisState, count: int) -> None:
    for start in range(0, count, 500):
        redis_state.push(*(f'{{"n":{number}}}' for number in range(start, min(start + 500, count))))


def numbers(redis_state: RedisState) -> list[int]:
    """The raw pushes by their numbers, as they will run."""
    found = []
    for entry in reversed(redis_state.redis.lrange(redis_state.keys.wait, 0, -1)):
        data = entry if entry.startswith("{") else redis_state.redis.hget(redis_state.keys.job(entry), "data")
        found.append(json.loads(data).get("n"))
    return found


BEFORE: dict[str, list[tuple[str, int]]] = {
    "unknown": [],
    "an urgent job": [("urgent", 1)],
    "a usual one": [("usual", 50)],
    "a less urgent one": [("less", 90)],
    "some of all kinds": [("usual", 50), ("less", 90), ("least", 99), ("urgent", 1)],
    "many that are less urgent": [(f"less{number}", 90) for number in range(1_500)],
}


@pytest.mark.parametrize("count", [40, 1_200])
@pytest.mark.parametrize("before", BEFORE.values(), ids=BEFORE)
def test_promote_raw_pushes_makes_them_members_of_their_lane_in_order(
    redis_state: RedisState, before: list[tuple[str, int]], count: int
) -> None:
    for job_id, priority in before:
        redis_state.call("enqueue", job_id, "{}", priority, 0)
    push_many(redis_state, count)

    while redis_state.call("promote_due", 500)[1] == 0:
        pass
    for job_id, priority in (("late", 50), ("later", 90), ("now", 1)):
        redis_state.call("enqueue", job_id, "{}", priority, 0)

    state = redis_state.read()
    invariants.check(state)
    known = dict([*before, ("late", 50), ("later", 90), ("now", 1)])
    ran = [entry if entry in known else "raw" for entry in reversed(state["wait"])]
    assert ran == sorted(
        [*(job_id for job_id, _ in before), *["raw"] * count, "late", "later", "now"],
        key=lambda entry: known.get(entry, 50),
    )
    raw = [number for number in numbers(redis_state) if number is not None]
    assert sorted(raw) == [*range(count)]
    if len(before) < 1_000 or count <= 500:
        assert raw == sorted(raw)


def test_a_script_reads_a_bounded_number_of_raw_pushes(redis_state: RedisState) -> None:
    push_many(redis_state, 1_200)
    redis_state.call("enqueue", "urgent", "{}", 1, 0)
    assert redis_state.read()["stats"]["enqueued"] == 101
    redis_state.push(*(f'{{"n":{number}}}' for number in range(1_200, 2_400)))
    redis_state.call("promote_due", 500)
    assert redis_state.read()["stats"]["enqueued"] == 601


def test_a_script_reads_a_bounded_number_of_malformed_pushes(redis_state: RedisState) -> None:
    redis_state.push(*(f"malformed {number}" for number in range(1_200)))
    assert [redis_state.call("promote_due", 500)[1] for _ in range(3)] == [0, 0, -1]
    assert "wait" not in redis_state.read()


def test_a_script_reads_some_megabytes_of_raw_pushes_at_most(redis_state: RedisState) -> None:
    for number in range(60):
        redis_state.push(json.dumps({"n": number, "text": "x" * 100_000}))
    redis_state.call("promote_due", 500)
    assert 0 < redis_state.read()["stats"]["enqueued"] < 20
