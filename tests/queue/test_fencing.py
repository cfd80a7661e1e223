"""Fencing: complete, retry, release, progress and checkpoint by anybody but the attempt that owns the job."""

from __future__ import annotations

import pytest

from .bench import NOW, Bench, State
from .failing import failing
from .table import HOST, Row, completed, failed, row_name, started, waiting

#: Slot 0 runs the job.
RUNS: State = {**HOST, "active": {"host:0": ["a"]}, "jobs": {"a": started()}}

HELD = ("a", "host:0", 1)

CALLS: dict[str, tuple[str | int, ...]] = {
    "complete": ("{}", 86_400_000, 10),
    "retry": failing(),
    "release": (5_000, "slow down"),
    "spend": (5, 1_000),
    "confirm": (),
    "progress": (40,),
    "checkpoint": ("transcript", "{}"),
}

NOT_THEIRS: dict[str, State] = {
    "another slot runs it": {**RUNS, "active": {"host:1": ["a"]}, "jobs": {"a": started(owner="host:1")}},
    "this slot runs it, later": {**RUNS, "jobs": {"a": started(fence=2)}},
    "another slot ran it, it waits": {
        **HOST, "wait": ["a"], "lanes": {"a": 50}, "jobs": {"a": waiting(owner="host:1", fence=2)},
    },
    "another slot completed it": {
        **HOST, "completed": ["a"], "jobs": {"a": completed(owner="host:1", fence=2)},
    },
    "cancelled": {**HOST, "jobs": {"a": waiting(state="cancelled", owner="host:0", fence=1)}},
    "unknown": HOST,
}  # fmt: skip

#: What this very attempt was settled as, and how calls that say otherwise come too late.
SETTLED: dict[str, tuple[State, list[str]]] = {
    "completed": (
        {**HOST, "completed": ["a"], "jobs": {"a": completed()}},
        ["retry", "release", "progress", "checkpoint", "spend", "confirm"],
    ),
    "delayed": (
        {**HOST, "delayed": {"a": NOW}, "jobs": {"a": started(state="delayed")}},
        ["complete", "release", "progress", "checkpoint", "spend", "confirm"],
    ),
    "failed": (
        {**HOST, "dead": ["a"], "jobs": {"a": failed()}},
        ["complete", "release", "progress", "checkpoint", "spend", "confirm"],
    ),
    "waiting": (
        {**HOST, "wait": ["a"], "lanes": {"a": 50}, "jobs": {"a": started(state="waiting")}},
        ["complete", "retry", "progress", "checkpoint", "spend", "confirm"],
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
def test_anybody_else_is_told_that_it_is_lost_and_changes_nothing(bench: Bench, row: Row) -> None:
    row.check(bench)
