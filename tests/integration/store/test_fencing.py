"""Fencing: calls by any attempt but the one that has the job."""

from __future__ import annotations

import pytest

from .failing import failing
from .redis_state import NOW, RedisState, State
from .state_table import HELD, HOST, RUNS, completed, failed, started, waiting

CALLS: dict[str, tuple[str | int, ...]] = {
    "complete": ("{}", 86_400_000, 10),
    "retry": failing(),
    "release": (5_000, "slow down"),
    "acquire_token": (5, 1_000),
    "check_lease": (),
    "end_cancelled": (),
    "progress": (40,),
    "checkpoint": ("transcript", "{}"),
}

NOT_HELD: dict[str, State] = {
    "another slot runs it": {**RUNS, "active": {"host:1": ["a"]}, "jobs": {"a": started(workerId="host:1")}},
    "this slot runs a later attempt": {**RUNS, "jobs": {"a": started(fencingToken=2)}},
    "another slot requeued it": {
        **HOST, "wait": ["a"], "priority_index": {"a": 50}, "jobs": {"a": waiting(workerId="host:1", fencingToken=2)},  # noqa: E501
    },
    "another slot completed it": {
        **HOST, "completed": ["a"], "jobs": {"a": completed(workerId="host:1", fencingToken=2)},
    },
    "another slot ran it when it was cancelled": {
        **HOST, "jobs": {"a": waiting(state="cancelled", workerId="host:1", fencingToken=2)},
    },
}  # fmt: skip

#: What this attempt was settled as, and the calls that come too late.
SETTLED: dict[str, tuple[State, list[str]]] = {
    "completed": (
        {**HOST, "completed": ["a"], "jobs": {"a": completed()}},
        ["retry", "release", "progress", "checkpoint", "acquire_token", "check_lease"],
    ),
    "delayed": (
        {**HOST, "delayed": {"a": NOW}, "jobs": {"a": started(state="delayed")}},
        ["complete", "release", "progress", "checkpoint", "acquire_token", "check_lease"],
    ),
    "failed": (
        {**HOST, "dead": ["a"], "jobs": {"a": failed()}},
        ["complete", "release", "progress", "checkpoint", "acquire_token", "check_lease"],
    ),
    "waiting": (
        {**HOST, "wait": ["a"], "priority_index": {"a": 50}, "jobs": {"a": started(state="waiting")}},
        ["complete", "retry", "progress", "checkpoint", "acquire_token", "check_lease", "end_cancelled"],
    ),
    "cancelled": (
        {**HOST, "jobs": {"a": started(state="cancelled")}},
        ["complete", "progress", "checkpoint", "acquire_token", "check_lease"],
    ),
}


@pytest.mark.parametrize("state", NOT_HELD.values(), ids=NOT_HELD)
def test_call_without_the_job_is_lost_and_changes_nothing(redis_state: RedisState, state: State) -> None:
    check_lost(redis_state, state, [*CALLS])


def test_call_for_a_job_that_redis_no_longer_has_is_gone_and_changes_nothing(redis_state: RedisState) -> None:
    check_lost(redis_state, HOST, [*CALLS], "gone")


@pytest.mark.parametrize(("state", "names"), SETTLED.values(), ids=SETTLED)
def test_call_after_another_settlement_is_lost_and_changes_nothing(
    redis_state: RedisState, state: State, names: list[str]
) -> None:
    check_lost(redis_state, state, names)


def check_lost(redis_state: RedisState, state: State, names: list[str], answer: str = "lost") -> None:
    redis_state.write(state)
    before = redis_state.read()
    for name in names:
        assert redis_state.call(name, *HELD, *CALLS[name]) == [answer], name
        assert redis_state.read() == before, name
