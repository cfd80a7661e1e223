"""The transition that ends a job emits its event, if events are requested."""

from __future__ import annotations

import json

import pytest

from .failing import failing
from .redis_state import NOW, RedisState, State
from .state_table import HOST, started

REQUESTED: State = {
    **HOST,
    "gate": {"eventsUntil": NOW + 1},
    "active": {"host:0": ["a"]},
    "jobs": {"a": started(replays=2)},
}


def emitted(redis_state: RedisState) -> list[dict[str, object]]:
    return [json.loads(event) for event in redis_state.read().get("events", [])]


def event_of(event: str) -> list[dict[str, object]]:
    return [{"id": "a", "event": event, "replays": 2, "at": NOW}]


def test_complete_emits_an_event_once(redis_state: RedisState) -> None:
    redis_state.write(REQUESTED)
    for _ in range(2):
        redis_state.call("complete", "a", "host:0", 1, "{}", 60_000, 10)
        assert emitted(redis_state) == event_of("completed")


def test_retry_of_an_invalid_job_emits_failed_once(redis_state: RedisState) -> None:
    redis_state.write(REQUESTED)
    for _ in range(2):
        redis_state.call("retry", "a", "host:0", 1, *failing("{}", "invalid", 3, 1_000, 0))
        assert emitted(redis_state) == event_of("failed")


def test_recover_past_the_limit_emits_failed(redis_state: RedisState) -> None:
    redis_state.write(REQUESTED)
    redis_state.call("recover", "host:0", "1", 0)
    assert emitted(redis_state) == event_of("failed")


def test_ingest_of_a_malformed_entry_emits_failed(redis_state: RedisState) -> None:
    redis_state.write({"gate": {"eventsUntil": NOW + 1}})
    redis_state.push("nonsense")
    redis_state.call("promote_due", 10)
    assert [event["event"] for event in emitted(redis_state)] == ["failed"]


@pytest.mark.parametrize("call", [("retry", *failing()), ("release", 0, "")])
def test_settle_of_an_unfinished_job_emits_no_event(
    redis_state: RedisState, call: tuple[str | int, ...]
) -> None:
    redis_state.write(REQUESTED)
    name, *rest = call
    redis_state.call(str(name), "a", "host:0", 1, *rest)
    assert emitted(redis_state) == []


def test_complete_without_a_request_emits_no_event(redis_state: RedisState) -> None:
    redis_state.write({name: part for name, part in REQUESTED.items() if name != "gate"})
    redis_state.call("complete", "a", "host:0", 1, "{}", 60_000, 10)
    assert emitted(redis_state) == []


def test_complete_after_the_request_expired_emits_no_event(redis_state: RedisState) -> None:
    redis_state.write({**REQUESTED, "gate": {"eventsUntil": NOW}})
    redis_state.call("complete", "a", "host:0", 1, "{}", 60_000, 10)
    assert emitted(redis_state) == []


def test_heartbeat_without_a_request_keeps_the_request_of_another(
    redis_state: RedisState,
) -> None:
    redis_state.call("heartbeat", "host", 15_000, 1, 1, 0, 0, 0)
    redis_state.call("heartbeat", "other", 15_000, 1, 0, 0, 0, 0)
    assert redis_state.read()["gate"] == {"eventsUntil": NOW + 60_000}


def test_queue_out_of_service_and_back_emits_both_events(redis_state: RedisState) -> None:
    redis_state.write(REQUESTED)
    redis_state.call("retry", "a", "host:0", 1, *failing(kind="refused", service="openai", words="401"))
    redis_state.call("promote_job", "a")
    redis_state.call("claim", "host", 0, 15_000, 0, 0, 30_000, now=NOW + 1_000)
    redis_state.call("resume", now=NOW)
    redis_state.redis.hset(redis_state.keys.gate, "eventsUntil", NOW + 60_000)
    redis_state.call("claim", "host", 0, 15_000, 0, 0, 30_000)
    redis_state.call("complete", "a", "host:0", 2, "{}", 60_000, 10)
    found = [event for event in emitted(redis_state) if "id" not in event]
    common = {"service": "openai", "reason": "401", "at": NOW}
    assert found == [{"event": "out-of-service", **common}, {"event": "in-service", **common}]
