"""The step that ends a job writes the notice of it, where notices are wanted."""

from __future__ import annotations

import json

import pytest

from .failing import failing
from .redis_state import NOW, RedisState, State
from .state_table import HOST, started

WANTED: State = {
    **HOST,
    "gate": {"eventsUntil": NOW + 1},
    "active": {"host:0": ["a"]},
    "jobs": {"a": started(replays=2)},
}


def notices(redis_state: RedisState) -> list[dict[str, object]]:
    return [json.loads(notice) for notice in redis_state.read().get("events", [])]


def noticed(event: str) -> list[dict[str, object]]:
    return [{"id": "a", "event": event, "replays": 2, "at": NOW}]


def test_a_job_that_completed(redis_state: RedisState) -> None:
    redis_state.write(WANTED)
    for _ in range(2):
        redis_state.call("complete", "a", "host:0", 1, "{}", 60_000, 10)
        assert notices(redis_state) == noticed("completed")


def test_a_job_that_failed_for_good(redis_state: RedisState) -> None:
    redis_state.write(WANTED)
    for _ in range(2):
        redis_state.call("retry", "a", "host:0", 1, *failing("{}", "invalid", 3, 1_000, 0))
        assert notices(redis_state) == noticed("failed")


def test_a_job_that_lost_its_last_worker(redis_state: RedisState) -> None:
    redis_state.write(WANTED)
    redis_state.call("recover", "host:0", "1", 0)
    assert notices(redis_state) == noticed("failed")


def test_an_entry_that_is_no_job(redis_state: RedisState) -> None:
    redis_state.write({"gate": {"eventsUntil": NOW + 1}})
    redis_state.push("nonsense")
    redis_state.call("promote_due", 10)
    assert [notice["event"] for notice in notices(redis_state)] == ["failed"]


@pytest.mark.parametrize("call", [("retry", *failing()), ("release", 0, "")])
def test_none_of_a_job_that_goes_on(redis_state: RedisState, call: tuple[str | int, ...]) -> None:
    redis_state.write(WANTED)
    name, *rest = call
    redis_state.call(str(name), "a", "host:0", 1, *rest)
    assert notices(redis_state) == []


def test_none_where_nobody_wants_them(redis_state: RedisState) -> None:
    redis_state.write({name: part for name, part in WANTED.items() if name != "gate"})
    redis_state.call("complete", "a", "host:0", 1, "{}", 60_000, 10)
    assert notices(redis_state) == []


def test_none_when_those_who_wanted_them_are_gone(redis_state: RedisState) -> None:
    redis_state.write({**WANTED, "gate": {"eventsUntil": NOW}})
    redis_state.call("complete", "a", "host:0", 1, "{}", 60_000, 10)
    assert notices(redis_state) == []


def test_whoever_wants_them_says_so_with_every_heartbeat_and_nobody_else_takes_it_back(
    redis_state: RedisState,
) -> None:
    redis_state.call("heartbeat", "host", 15_000, 1, 1, 0, 0, 0)
    redis_state.call("heartbeat", "other", 15_000, 1, 0, 0, 0, 0)
    assert redis_state.read()["gate"] == {"eventsUntil": NOW + 60_000}


def test_queue_that_goes_out_of_service_and_comes_back_is_told(redis_state: RedisState) -> None:
    redis_state.write(WANTED)
    redis_state.call("retry", "a", "host:0", 1, *failing(kind="refused", service="openai", words="401"))
    redis_state.call("promote_job", "a")
    redis_state.call("claim", "host", 0, 15_000, 0, 0, 30_000, now=NOW + 1_000)
    redis_state.call("resume", now=NOW)
    redis_state.redis.hset(redis_state.keys.gate, "eventsUntil", NOW + 60_000)
    redis_state.call("claim", "host", 0, 15_000, 0, 0, 30_000)
    redis_state.call("complete", "a", "host:0", 2, "{}", 60_000, 10)
    told = [notice for notice in notices(redis_state) if "id" not in notice]
    common = {"service": "openai", "reason": "401", "at": NOW}
    assert told == [{"event": "out-of-service", **common}, {"event": "in-service", **common}]
