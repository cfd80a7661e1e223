"""Cancelling a job that runs: it is cancelled however its attempt ends, unless it completes first."""

from __future__ import annotations

import json

import pytest

from .failing import failing
from .redis_state import NOW, RedisState
from .state_table import HELD, RUNS

KEEP = 86_400_000


@pytest.fixture
def cancelling(redis_state: RedisState) -> RedisState:
    """A queue whose running job was cancelled."""
    redis_state.write(RUNS)
    assert redis_state.call("cancel", "a", KEEP) == ["active"]
    assert redis_state.call("cancel", "a", KEEP, 1) == ["cancelling"]
    return redis_state


def state_of(redis_state: RedisState) -> str | None:
    found: str | None = redis_state.redis.hget(redis_state.keys.job("a"), "state")
    return found


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("check_lease", ()), ("progress", (40,)), ("checkpoint", ("s", "{}")), ("acquire_token", (0, 0))],
)
def test_running_job_that_is_cancelled_is_announced_to_its_instance(
    cancelling: RedisState, name: str, arguments: tuple[str | int, ...]
) -> None:
    before = cancelling.read()
    assert cancelling.call(name, *HELD, *arguments) == ["cancelled"]
    assert cancelling.read() == before


@pytest.mark.parametrize(
    "end",
    [
        ("end_cancelled", *HELD),
        ("retry", *HELD, *failing()),
        ("retry", *HELD, *failing("{}", "invalid", 3, 1_000, 0)),
        ("release", *HELD, 0, ""),
        ("recover", "host:0", "1", 3),
        ("recover", "host:0", "0", 3),
        ("leave", "host"),
    ],
    ids=lambda end: str(end[0]),
)
def test_attempt_that_ends_after_the_cancellation_leaves_the_job_cancelled(
    cancelling: RedisState, end: tuple[str | int, ...]
) -> None:
    cancelling.redis.hset(cancelling.keys.gate, "eventsUntil", NOW + 60_000)
    name, *arguments = end
    answers = [cancelling.call(str(name), *arguments) for _ in range(2)]
    if name in ("end_cancelled", "retry", "release"):
        assert answers == [["cancelled"]] * 2
    assert state_of(cancelling) == "cancelled"
    state = cancelling.read()
    assert "wait" not in state
    assert "active" not in state
    assert "dead" not in state
    assert state["stats"] == {"cancelled": 1}
    assert [json.loads(event)["event"] for event in state["events"]] == ["cancelled"]
    assert state["jobs"]["a"]["ttl"] == 86_400


def test_completion_before_the_interruption_wins(cancelling: RedisState) -> None:
    assert cancelling.call("complete", *HELD, "{}", KEEP, 10) == ["completed"]
    assert cancelling.call("end_cancelled", *HELD) == ["lost"]
    assert cancelling.call("cancel", "a", KEEP, 1) == ["completed"]
    assert state_of(cancelling) == "completed"


def test_interruption_before_the_completion_wins(cancelling: RedisState) -> None:
    assert cancelling.call("end_cancelled", *HELD) == ["cancelled"]
    assert cancelling.call("complete", *HELD, "{}", KEEP, 10) == ["lost"]
    assert cancelling.call("enqueue", "a", "{}", 50, 0) == [1]  # its id is free again


def test_end_cancelled_without_a_cancellation_changes_nothing(redis_state: RedisState) -> None:
    redis_state.write(RUNS)
    before = redis_state.read()
    assert redis_state.call("end_cancelled", *HELD) == ["lost"]
    assert redis_state.read() == before


def test_find_cancelled_names_the_cancelled_jobs_of_its_own_instance_until_they_end(
    cancelling: RedisState,
) -> None:
    assert cancelling.call("find_cancelled", "other") == []
    assert cancelling.call("find_cancelled", "host") == [["a", "1"]]
    assert cancelling.call("find_cancelled", "host") == [["a", "1"]]
    cancelling.call("end_cancelled", *HELD)
    assert cancelling.call("find_cancelled", "host") == []
    assert not cancelling.redis.exists(cancelling.keys.cancels("host"))
