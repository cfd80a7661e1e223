"""Manual edits of hashes never make a transition fail, block or lose a job."""

from __future__ import annotations

import pytest
from redis.exceptions import ResponseError

from . import invariants
from .failing import failing
from .redis_state import NOW, RedisState
from .state_table import HOST, failed, started, waiting

NOT_NUMBERS: list[str | bytes] = ["", "abc", "nan", "-nan", "inf", "-inf", "1e999", "0x", "１２", b"\xff"]
NUMBERS = (
    "priority",
    "attempts",
    "failures",
    "recoveries",
    "fencingToken",
    "replays",
    "releases",
    "createdAt",
    "startedAt",
)
CLAIM = ("claim", "host", 0, 15_000, 2, 1_000, 60_000)


def garbage(text: str | bytes, state: str = "waiting") -> dict[str, str | bytes]:
    return {**dict.fromkeys(NUMBERS, text), "data": "{}", "state": state, "workerId": "host:0"}


@pytest.mark.parametrize("text", NOT_NUMBERS, ids=ascii)
def test_transitions_with_an_invalid_number_treat_it_as_missing(
    redis_state: RedisState, text: str | bytes
) -> None:
    """Started, retried, promoted, recovered, released and completed."""
    redis_state.write({**HOST, "active": {"host:0": ["a"]}, "jobs": {"a": garbage(text), "low": waiting(90)}})
    redis_state.write({"wait": ["low"], "priority_index": {"low": 90}})

    assert redis_state.call(*CLAIM) == ["job", "a"]
    assert redis_state.call("retry", "a", "host:0", 1, *failing("{}", "unknown", 3, 1_000, 0)) == [
        "delayed",
        1_000,
        "counted",
        "open",
    ]
    assert redis_state.call("promote_due", 10, now=NOW + 1_000) == [1, -1]
    assert redis_state.take("host:0") == "a"
    assert redis_state.call(*CLAIM, now=NOW + 1_000) == ["job", "a"]
    assert redis_state.call("recover", "host:0", "1", 3) == [1, []]
    assert redis_state.take("host:0") == "a"
    assert redis_state.call(*CLAIM, now=NOW + 2_000) == ["job", "a"]
    assert redis_state.call("release", "a", "host:0", 3, 0, "") == ["released"]
    assert redis_state.take("host:0") == "a"
    assert redis_state.call(*CLAIM, now=NOW + 3_000) == ["job", "a"]
    assert redis_state.call("complete", "a", "host:0", 4, "{}", 60_000, 10) == ["completed"]


@pytest.mark.parametrize("text", NOT_NUMBERS, ids=ascii)
def test_replay_of_a_dead_letter_with_invalid_numbers_requeues_it(
    redis_state: RedisState, text: str | bytes
) -> None:
    redis_state.write({"dead": ["a"], "jobs": {"a": garbage(text, state="failed")}})

    assert redis_state.call("replay", "a") == [1]
    assert redis_state.read()["priority_index"] == {"a": 50}
    assert redis_state.call("cancel", "a", 60_000) == ["cancelled"]
    assert "wait" not in redis_state.read()


@pytest.mark.parametrize("text", NOT_NUMBERS, ids=ascii)
def test_claim_with_an_invalid_hold_starts_the_job(redis_state: RedisState, text: str | bytes) -> None:
    redis_state.write(
        {**HOST, "active": {"host:0": ["a"]}, "jobs": {"a": waiting()}, "gate": {"heldUntil": text}}
    )

    assert redis_state.call(*CLAIM) == ["job", "a"]
    assert redis_state.call("release", "a", "host:0", 1, 500, "why") == ["released"]
    assert redis_state.read()["gate"]["heldUntil"] == NOW + 500


def test_claim_with_a_fractional_fencing_token_rounds_it_down(
    redis_state: RedisState,
) -> None:
    redis_state.write(
        {
            **HOST,
            "active": {"host:0": ["a"]},
            "jobs": {"a": {**waiting(), "fencingToken": "1.9", "attempts": "2.5"}},
        }
    )

    redis_state.call(*CLAIM)

    job = redis_state.read()["jobs"]["a"]
    assert (job["fencingToken"], job["attempts"]) == (2, 3)
    assert redis_state.call("complete", "a", "host:0", 2, "{}", 60_000, 10) == ["completed"]


def test_claim_of_a_job_with_a_state_only_starts_it(redis_state: RedisState) -> None:
    redis_state.write({**HOST, "active": {"host:0": ["a"]}, "jobs": {"a": {"state": "waiting"}}})

    assert redis_state.call(*CLAIM) == ["job", "a"]
    assert redis_state.call("complete", "a", "host:0", 1, "{}", 60_000, 10) == ["completed"]
    invariants.check(redis_state.read())


def test_claim_of_an_id_without_a_hash_makes_a_dead_letter(redis_state: RedisState) -> None:
    redis_state.write({**HOST, "active": {"host:0": ["a"]}, "jobs": {"a": started()}})
    redis_state.redis.delete(redis_state.keys.job("a"))

    assert redis_state.call(*CLAIM) == ["none"]
    assert redis_state.call("complete", "a", "host:0", 1, "{}", 60_000, 10) == ["gone"]

    state = redis_state.read()
    assert state["dead"] == ["raw-1000000-1"]
    assert state["jobs"]["raw-1000000-1"]["data"] == "a"


def test_promote_due_of_an_id_without_a_hash_makes_a_dead_letter(redis_state: RedisState) -> None:
    redis_state.write({"delayed": {"a": NOW}})

    assert redis_state.call("promote_due", 10) == [1, -1]
    assert redis_state.read()["dead"] == ["raw-1000000-1"]


def test_promote_due_of_an_id_in_another_state_drops_it(redis_state: RedisState) -> None:
    redis_state.write(
        {
            "delayed": {"runs": NOW, "dead": NOW},
            "active": {"host:0": ["runs"]},
            "dead": ["dead"],
            "jobs": {"runs": started(), "dead": failed()},
        }
    )

    assert redis_state.call("promote_due", 10) == [2, -1]

    state = redis_state.read()
    assert "delayed" not in state
    assert "wait" not in state
    invariants.check(state)


def test_enqueue_without_the_priority_index_loses_no_job(redis_state: RedisState) -> None:
    redis_state.call("enqueue", "a", "{}", 50, 0, "b", "{}", 50, 0)
    redis_state.redis.delete(redis_state.keys.priority_index)

    redis_state.call("enqueue", "c", "{}", 50, 0)

    assert sorted(redis_state.read()["wait"]) == ["a", "b", "c"]


@pytest.mark.parametrize("edited", [{"state": "busy"}, {"state": "active", "workerId": ""}])
def test_recover_of_a_job_in_an_unknown_state_requeues_it(
    redis_state: RedisState, edited: dict[str, str]
) -> None:
    redis_state.call("enqueue", "a", "{}", 50, 0)
    redis_state.redis.hset(redis_state.keys.job("a"), mapping=edited)
    redis_state.take("host:0")
    redis_state.call("recover", "host:0", "1", 3)
    redis_state.take("host:0")
    assert redis_state.call(*CLAIM) == ["job", "a"]


def test_enqueue_with_an_invalid_counter_still_enqueues(redis_state: RedisState) -> None:
    redis_state.redis.hset(redis_state.keys.stats, "enqueued", "many")
    redis_state.call("enqueue", "a", "{}", 50, 0)
    assert redis_state.redis.lrange(redis_state.keys.wait, 0, -1) == ["a"]
    assert redis_state.redis.hget(redis_state.keys.stats, "enqueued") == "many"


def test_settle_and_fetch_with_a_wrong_completed_type_still_completes(redis_state: RedisState) -> None:
    redis_state.write({**HOST, "active": {"host:0": ["a"]}, "jobs": {"a": started()}})
    redis_state.redis.set(redis_state.keys.completed, "x")

    assert redis_state.call("settle_and_fetch", "host:0", 60_000, 10, 15_000, 0, 0, 60_000, "a", 1, "{}") == [
        "none",
        "completed",
    ]

    redis_state.redis.delete(redis_state.keys.completed)
    state = redis_state.read()
    assert (state["jobs"]["a"]["state"], state["jobs"]["a"]["ttl"], state["stats"]) == (
        "completed",
        60,
        {"completed": 1},
    )


def test_complete_with_a_wrong_gate_type_changes_nothing(redis_state: RedisState) -> None:
    redis_state.write({**HOST, "active": {"host:0": ["a"]}, "jobs": {"a": started()}})
    before = redis_state.read()
    redis_state.redis.set(redis_state.keys.gate, "x")

    with pytest.raises(ResponseError):
        redis_state.call("settle_and_fetch", "host:0", 60_000, 10, 15_000, 0, 0, 60_000, "a", 1, "{}")
    with pytest.raises(ResponseError):
        redis_state.call("complete", "a", "host:0", 1, "{}", 60_000, 10)

    redis_state.redis.delete(redis_state.keys.gate)
    assert redis_state.read() == before
    assert redis_state.call("complete", "a", "host:0", 1, "{}", 60_000, 10) == ["completed"]


def test_raw_push_before_waiting_jobs_with_an_edited_one_among_them_loses_none(
    redis_state: RedisState,
) -> None:
    """If users take turns, the oldest raw pushes are looked for by halving the list."""
    redis_state.write({"fair": {"by": "user"}})
    ids = [f"a{number}" for number in range(9)]
    redis_state.call("enqueue", *(word for job_id in ids for word in (job_id, '{"user":"a"}', 50, 0)))
    redis_state.redis.hset(redis_state.keys.job("a4"), "state", "edited")
    redis_state.push('{"user": "b"}')

    while redis_state.call("promote_due", 10)[1] == 0:
        pass

    left = invariants.waiting(redis_state.read())[::-1]
    assert [entry for entry in left if entry in ids] == ids
    assert len(left) == len(ids) + 1
