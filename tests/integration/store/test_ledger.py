"""The ledger of paid requests: each cost is counted once, in its job and in the sums."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .redis_state import NOW, RedisState, State
from .state_table import HOST, started, waiting

#: The day of NOW.
DAY = "spent:1970-01-01"
OWNER = ("a", "host:0", "1")

OPEN = {
    "id": "c1",
    "job": "a",
    "kind": "open",
    "model": "gpt-6-luna",
    "worst": 900,
    "user": "u1",
    "attempt": 1,
}


def call(kind: str, nano: int | None = None, **more: Any) -> str:
    cost = {} if nano is None else {"nano": nano}
    return json.dumps({**OPEN, "at": NOW, "kind": kind, **cost, **more})


def running() -> State:
    return {**HOST, "active": {"host:0": ["a"]}, "jobs": {"a": started()}}


@pytest.fixture
def opened(redis_state: RedisState) -> RedisState:
    """A running job that has opened the call c1."""
    redis_state.write(running())
    for _ in range(2):  # sent again after a lost answer
        assert redis_state.call("open_call", *OWNER, "c1", json.dumps(OPEN), "") == ["ok", NOW]
    return redis_state


def sums(redis_state: RedisState, key: str = DAY) -> dict[str, int]:
    stored = redis_state.redis.hgetall(redis_state.keys.base + key)
    return {name: int(value) for name, value in stored.items() if int(value)}


def users(redis_state: RedisState, measure: str) -> dict[str, float]:
    return dict(
        redis_state.redis.zrange(f"{redis_state.keys.base}{DAY}:users:{measure}", 0, -1, withscores=True)
    )


def job(redis_state: RedisState) -> dict[str, str]:
    found: dict[str, str] = redis_state.redis.hgetall(redis_state.keys.job("a"))
    return found


def test_checkpoint_with_a_call_counts_its_cost_once_however_often_it_is_sent(opened: RedisState) -> None:
    paid = call("actual", 250, tokens={"input": 10, "output": 2}, seconds=1.5)
    for _ in range(2):
        assert opened.call("checkpoint", *OWNER, "scores", "{}", paid) == ["ok"]
    expected = {"calls": 1, "nano": 250, "input": 10, "output": 2, "ms": 1500}
    assert sums(opened) == sums(opened, "spent") == {f"gpt-6-luna {name}": n for name, n in expected.items()}
    assert users(opened, "nano") == {"u1": 250}
    assert users(opened, "calls") == {"u1": 1}
    stored = job(opened)
    assert (stored["cost"], stored["calls"], json.loads(stored["call:c1"])["nano"]) == ("250", "1", 250)
    assert "openCalls" not in stored


def test_checkpoint_of_a_lost_job_counts_its_call_and_answers_lost(opened: RedisState) -> None:
    opened.redis.hset(opened.keys.job("a"), "fencingToken", 2)
    assert opened.call("checkpoint", *OWNER, "scores", "{}", call("actual", 250)) == ["lost"]
    assert sums(opened)["gpt-6-luna nano"] == 250
    assert "checkpoint:scores" not in job(opened)


def test_open_call_of_a_lost_job_stores_nothing(redis_state: RedisState) -> None:
    redis_state.write({"jobs": {"a": waiting()}, "wait": ["a"]})
    assert redis_state.call("open_call", *OWNER, "c1", json.dumps(OPEN), "") == ["lost"]
    assert "call:c1" not in job(redis_state)


def test_recover_counts_an_open_call_as_unknown_with_the_most_it_can_cost(opened: RedisState) -> None:
    for _ in range(2):
        opened.call("recover", "host:0", "1", 3)
    assert sums(opened) == {"gpt-6-luna unknownCalls": 1, "gpt-6-luna unknown": 900}
    assert users(opened, "unknown") == {"u1": 900}
    listed = opened.redis.hgetall(f"{opened.keys.base}{DAY}:unknown")
    assert json.loads(listed["c1"])["worst"] == 900
    assert job(opened)["unknownCost"] == "900"


@pytest.mark.parametrize(
    ("late", "expected"),
    [
        (call("actual", 250), {"gpt-6-luna calls": 1, "gpt-6-luna nano": 250}),
        (call("void"), {}),
        (call("unknown", 900), {"gpt-6-luna unknownCalls": 1, "gpt-6-luna unknown": 900}),
    ],
    ids=["actual", "void", "unknown"],
)
def test_late_answer_replaces_the_unknown_cost(
    opened: RedisState, late: str, expected: dict[str, int]
) -> None:
    opened.call("recover", "host:0", "1", 3)
    for _ in range(2):
        opened.call("close_calls", "a", late)
    assert sums(opened) == expected
    is_listed = bool(opened.redis.hlen(f"{opened.keys.base}{DAY}:unknown"))
    assert is_listed == ("unknown" in "".join(expected))


def test_close_calls_of_a_call_that_was_not_charged_leaves_nothing(opened: RedisState) -> None:
    opened.call("close_calls", "a", call("void"))
    assert sums(opened) == {}
    assert not [name for name in job(opened) if "call" in name.lower()]


def test_close_calls_of_a_call_that_was_never_opened_leaves_nothing(redis_state: RedisState) -> None:
    redis_state.write(running())
    for job_id in ("a", "gone"):
        redis_state.call("close_calls", job_id, json.dumps({**OPEN, "kind": "void"}))
    assert sums(redis_state) == {}
    assert "call:c1" not in job(redis_state)


def test_close_calls_of_a_deleted_job_counts_once_and_does_not_bring_it_back(opened: RedisState) -> None:
    opened.redis.delete(opened.keys.job("a"))
    for _ in range(2):
        opened.call("close_calls", "a", call("actual", 250))
    assert sums(opened)["gpt-6-luna nano"] == 250
    assert job(opened) == {}


@pytest.mark.parametrize(
    ("late", "expected"),
    [(call("actual", 250), {"calls": 1, "nano": 250}), (call("void"), {})],
    ids=["actual", "void"],
)
def test_late_answer_for_a_deleted_job_replaces_the_unknown_cost(
    opened: RedisState, late: str, expected: dict[str, int]
) -> None:
    opened.call("recover", "host:0", "1", 3)
    opened.redis.delete(opened.keys.job("a"))
    for _ in range(2):
        opened.call("close_calls", "a", call("unknown", 900))
        opened.call("close_calls", "a", late)
    assert sums(opened) == sums(opened, "spent") == {f"gpt-6-luna {name}": n for name, n in expected.items()}


@pytest.mark.parametrize("is_gone", [False, True], ids=["job", "no job"])
@pytest.mark.parametrize(
    ("cost", "expected"), [(250, {"calls": 1, "nano": 250}), (0, {})], ids=["charged", "not charged"]
)
def test_resolve_call_replaces_an_unknown_cost_once(
    opened: RedisState, cost: int, expected: dict[str, int], is_gone: bool
) -> None:
    opened.call("recover", "host:0", "1", 3)
    if is_gone:
        opened.redis.delete(opened.keys.job("a"))
    days = ("1970-01-02", "1970-01-01")
    verdict, was = opened.call("resolve_call", "c1", cost, *days)
    assert (verdict, json.loads(was)["nano"]) == ("resolved", 900)
    assert opened.call("resolve_call", "c1", cost, *days) == ["none"]
    assert sums(opened) == sums(opened, "spent") == {f"gpt-6-luna {name}": n for name, n in expected.items()}
    assert opened.redis.hlen(f"{opened.keys.base}{DAY}:unknown") == 0
    assert job(opened).get("unknownCost", "0") == "0"


def test_resolve_call_of_a_known_cost_changes_nothing(opened: RedisState) -> None:
    opened.call("close_calls", "a", call("actual", 250))
    assert opened.call("resolve_call", "c1", 1, "1970-01-01") == ["none"]
    assert sums(opened)["gpt-6-luna nano"] == 250


def test_call_without_a_price_is_counted_as_unpriced(opened: RedisState) -> None:
    opened.call("close_calls", "a", call("actual"))
    assert sums(opened) == {"gpt-6-luna calls": 1, "gpt-6-luna unpriced": 1}


def test_job_keeps_its_latest_100_calls_and_the_sum_of_all(opened: RedisState) -> None:
    opened.call("close_calls", "a", call("actual", 1))
    for number in range(2, 105):
        opened.call("open_call", *OWNER, f"c{number}", json.dumps({**OPEN, "id": f"c{number}"}), "")
        opened.call("close_calls", "a", call("actual", 1, id=f"c{number}"))
    kept = [name for name in job(opened) if name.startswith("call:")]
    assert (len(kept), "call:c4" in kept, "call:c5" in kept) == (100, False, True)
    assert (job(opened)["cost"], job(opened)["calls"]) == ("104", "104")


def test_sums_are_kept_for_as_long_as_the_call_says(opened: RedisState) -> None:
    opened.call("close_calls", "a", call("actual", 250, keep=3_600))
    assert 3_590 <= opened.redis.ttl(opened.keys.base + DAY) <= 3_600
    assert opened.redis.ttl(opened.keys.spent) == -1


@pytest.mark.parametrize(
    ("ms", "day"),
    [
        (1_709_164_800_000, "2024-02-29"),
        (1_709_251_199_999, "2024-02-29"),
        (1_709_251_200_000, "2024-03-01"),
        (1_798_761_599_999, "2026-12-31"),
        (4_107_542_400_000, "2100-03-01"),
    ],
)
def test_call_counts_on_the_day_of_its_request(opened: RedisState, ms: int, day: str) -> None:
    opened.call("close_calls", "a", call("actual", 250, at=ms))
    assert sums(opened, f"spent:{day}")["gpt-6-luna nano"] == 250


def test_unknown_call_of_a_job_that_is_gone_is_replaced_by_what_it_cost(redis_state: RedisState) -> None:
    redis_state.call("close_calls", "a", call("unknown", 900))
    for _ in range(2):
        redis_state.call("close_calls", "a", call("actual", 250))
    assert sums(redis_state) == {"gpt-6-luna calls": 1, "gpt-6-luna nano": 250}
