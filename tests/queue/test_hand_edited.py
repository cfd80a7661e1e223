"""People edit hashes. What they leave there never makes a transition fail, get stuck or lose a job."""

from __future__ import annotations

import pytest
from redis.exceptions import ResponseError

from . import invariants
from .bench import NOW, Bench
from .failing import failing
from .table import HOST, failed, started, waiting

NO_NUMBERS: list[str | bytes] = ["", "abc", "nan", "-nan", "inf", "-inf", "1e999", "0x", "１２", b"\xff"]
NUMBERS = (
    "priority",
    "attempts",
    "failures",
    "recoveries",
    "fence",
    "replays",
    "releases",
    "createdAt",
    "startedAt",
)
CLAIM = ("claim", "host", 0, 15_000, 2, 1_000, 60_000)


def garbage(text: str | bytes, state: str = "waiting") -> dict[str, str | bytes]:
    return {**dict.fromkeys(NUMBERS, text), "data": "{}", "state": state, "owner": "host:0"}


@pytest.mark.parametrize("text", NO_NUMBERS, ids=ascii)
def test_a_number_that_is_none_counts_as_missing(bench: Bench, text: str | bytes) -> None:
    """A whole life: started, retried, promoted, lost with its worker, given back, and completed."""
    bench.write({**HOST, "active": {"host:0": ["a"]}, "jobs": {"a": garbage(text), "low": waiting(90)}})
    bench.write({"wait": ["low"], "lanes": {"low": 90}})

    assert bench.call(*CLAIM) == ["job", "a"]
    assert bench.call("retry", "a", "host:0", 1, *failing("{}", "unknown", 3, 1_000, 0)) == [
        "delayed",
        1_000,
        "counted",
        "open",
    ]
    assert bench.call("promote", 10, now=NOW + 1_000) == [1, -1]
    assert bench.take("host:0") == "a"
    assert bench.call(*CLAIM, now=NOW + 1_000) == ["job", "a"]
    assert bench.call("recover", "host:0", "1", 3) == [1, []]
    assert bench.take("host:0") == "a"
    assert bench.call(*CLAIM, now=NOW + 2_000) == ["job", "a"]
    assert bench.call("release", "a", "host:0", 3, 0, "") == ["released"]
    assert bench.take("host:0") == "a"
    assert bench.call(*CLAIM, now=NOW + 3_000) == ["job", "a"]
    assert bench.call("complete", "a", "host:0", 4, "{}", 60_000, 10) == ["completed"]


@pytest.mark.parametrize("text", NO_NUMBERS, ids=ascii)
def test_a_dead_letter_of_garbage_is_replayed_and_cancelled(bench: Bench, text: str | bytes) -> None:
    bench.write({"dead": ["a"], "jobs": {"a": garbage(text, state="failed")}})

    assert bench.call("replay", "a") == [1]
    assert bench.read()["lanes"] == {"a": 50}
    assert bench.call("cancel", "a", 60_000) == ["cancelled"]
    assert "wait" not in bench.read()


@pytest.mark.parametrize("text", NO_NUMBERS, ids=ascii)
def test_a_hold_that_is_no_time_holds_nobody(bench: Bench, text: str | bytes) -> None:
    bench.write({**HOST, "active": {"host:0": ["a"]}, "jobs": {"a": waiting()}, "meta": {"heldUntil": text}})

    assert bench.call(*CLAIM) == ["job", "a"]
    assert bench.call("release", "a", "host:0", 1, 500, "why") == ["released"]
    assert bench.read()["meta"]["heldUntil"] == NOW + 500


def test_fractions_are_cut_off_so_that_the_fencing_number_is_what_the_owner_reads(bench: Bench) -> None:
    bench.write(
        {**HOST, "active": {"host:0": ["a"]}, "jobs": {"a": {**waiting(), "fence": "1.9", "attempts": "2.5"}}}
    )

    bench.call(*CLAIM)

    job = bench.read()["jobs"]["a"]
    assert (job["fence"], job["attempts"]) == (2, 3)
    assert bench.call("complete", "a", "host:0", 2, "{}", 60_000, 10) == ["completed"]


def test_a_job_of_nothing_but_a_state_runs(bench: Bench) -> None:
    bench.write({**HOST, "active": {"host:0": ["a"]}, "jobs": {"a": {"state": "waiting"}}})

    assert bench.call(*CLAIM) == ["job", "a"]
    assert bench.call("complete", "a", "host:0", 1, "{}", 60_000, 10) == ["completed"]
    invariants.check(bench.read())


def test_an_id_whose_hash_was_deleted_is_a_dead_letter(bench: Bench) -> None:
    bench.write({**HOST, "active": {"host:0": ["a"]}, "jobs": {"a": started()}})
    bench.redis.delete(bench.keys.job("a"))

    assert bench.call(*CLAIM) == ["none"]
    assert bench.call("complete", "a", "host:0", 1, "{}", 60_000, 10) == ["lost"]

    state = bench.read()
    assert state["dead"] == ["raw-1000000-1"]
    assert state["jobs"]["raw-1000000-1"]["data"] == "a"


def test_a_delayed_id_whose_hash_was_deleted_is_a_dead_letter(bench: Bench) -> None:
    bench.write({"delayed": {"a": NOW}})

    assert bench.call("promote", 10) == [1, -1]
    assert bench.read()["dead"] == ["raw-1000000-1"]


def test_a_delayed_id_of_a_job_that_is_elsewhere_is_dropped(bench: Bench) -> None:
    bench.write(
        {
            "delayed": {"runs": NOW, "dead": NOW},
            "active": {"host:0": ["runs"]},
            "dead": ["dead"],
            "jobs": {"runs": started(), "dead": failed()},
        }
    )

    assert bench.call("promote", 10) == [2, -1]

    state = bench.read()
    assert "delayed" not in state
    assert "wait" not in state
    invariants.check(state)


def test_a_wait_list_whose_lanes_were_deleted_loses_no_job(bench: Bench) -> None:
    bench.call("enqueue", "a", "{}", 50, 0, "b", "{}", 50, 0)
    bench.redis.delete(bench.keys.lanes)

    bench.call("enqueue", "c", "{}", 50, 0)

    assert sorted(bench.read()["wait"]) == ["a", "b", "c"]


@pytest.mark.parametrize("edited", [{"state": "busy"}, {"state": "active", "owner": ""}])
def test_a_job_in_no_state_that_there_is_waits(bench: Bench, edited: dict[str, str]) -> None:
    bench.call("enqueue", "a", "{}", 50, 0)
    bench.redis.hset(bench.keys.job("a"), mapping=edited)
    bench.take("host:0")
    bench.call("recover", "host:0", "1", 3)
    bench.take("host:0")
    assert bench.call(*CLAIM) == ["job", "a"]


def test_a_counter_that_is_none_stops_no_transition(bench: Bench) -> None:
    bench.redis.hset(bench.keys.stats, "enqueued", "many")
    bench.call("enqueue", "a", "{}", 50, 0)
    assert bench.redis.lrange(bench.keys.wait, 0, -1) == ["a"]
    assert bench.redis.hget(bench.keys.stats, "enqueued") == "many"


def test_a_list_of_completions_that_is_none_stops_no_transition(bench: Bench) -> None:
    bench.write({**HOST, "active": {"host:0": ["a"]}, "jobs": {"a": started()}})
    bench.redis.set(bench.keys.completed, "x")

    assert bench.call("turn", "host:0", "a", 1, "{}", 60_000, 10, 15_000, 0, 0, 60_000) == [
        "completed",
        ["none"],
    ]

    bench.redis.delete(bench.keys.completed)
    state = bench.read()
    assert (state["jobs"]["a"]["state"], state["jobs"]["a"]["ttl"], state["stats"]) == (
        "completed",
        60,
        {"completed": 1},
    )


def test_no_job_is_half_settled_where_the_queues_settings_are_no_hash(bench: Bench) -> None:
    bench.write({**HOST, "active": {"host:0": ["a"]}, "jobs": {"a": started()}})
    before = bench.read()
    bench.redis.set(bench.keys.meta, "x")

    with pytest.raises(ResponseError):
        bench.call("turn", "host:0", "a", 1, "{}", 60_000, 10, 15_000, 0, 0, 60_000)
    with pytest.raises(ResponseError):
        bench.call("complete", "a", "host:0", 1, "{}", 60_000, 10)

    bench.redis.delete(bench.keys.meta)
    assert bench.read() == before
    assert bench.call("complete", "a", "host:0", 1, "{}", 60_000, 10) == ["completed"]
