"""Fencing: complete, retry, release, progress and checkpoint by anybody but the attempt that owns the job."""

from __future__ import annotations

import pytest

from .failing import failing
from .redis_state import NOW, RedisState, State
from .state_table import HOST, Row, completed, failed, row_name, started, waiting

#: Slot 0 runs the job.
RUNS: State = {**HOST, "active": {"host:0": ["a"]}, "jobs": {"a": started()}}

HELD = ("a", "host:0", 1)

CALLS: dict[str, tuple[str | int, ...]] = {
    "complete": ("{}", 86_400_000, 10),
    "retry": failing(),
    "release": (5_000, "slow down"),
    "acquire_token": (5, 1_000),
    "check_lease": (),
    "progress": (40,),
    "checkpoint": ("transcript", "{}"),
}

NOT_THEIRS: dict[str, State] = {
    "another slot runs it": {**RUNS, "active": {"host:1": ["a"]}, "jobs": {"a": started(workerId="host:1")}},
    "this slot runs it, later": {**RUNS, "jobs": {"a": started(fencingToken=2)}},
    "another slot ran it, it waits": {
        **HOST, "wait": ["a"], "priority_index": {"a": 50}, "jobs": {"a": waiting(workerId="host:1", fencingToken=2)},  # noqa: E501
    },
    "another slot completed it": {
        **HOST, "completed": ["a"], "jobs": {"a": completed(workerId="host:1", fencingToken=2)},
    },
    "cancelled": {**HOST, "jobs": {"a": waiting(state="cancelled", workerId="host:0", fencingToken=1)}},
    "unknown": HOST,
}  # fmt: skip

#: What this very attempt was settled as, and how calls that say otherwise come too late.
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
        ["complete", "retry", "progress", "checkpoint", "acquire_token", "check_lease"],
    ),
}

TOO_LATE = [
    Row(f"{name}: {settled} already", state, (name, *HELD, *CALLS[name]), ["lost"])
    for settled, (state, names) in SETTLED.items()
    for name in names
]

LOST = [
    Row(f"{name}: {case}", state, (name, *HELD, *arguments), ["lost"])
    for name, arguments in CALLS.items()
    for case, state in NOT_THEIRS.items()
]


@pytest.mark.parametrize("row", LOST + TOO_LATE, ids=row_name)
def test_anybody_else_is_told_that_it_is_lost_and_changes_nothing(redis_state: RedisState, row: Row) -> None:
    row.check(redis_state)
