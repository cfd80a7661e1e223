"""Redis's clock is set back: stored times that are too far ahead are corrected."""

from __future__ import annotations

import pytest

from .redis_state import NOW, RedisState
from .state_table import HOST, Row, delayed, row_name, started, waiting

HOUR = 3_600_000

TABLE = [
    Row(
        "claim: a hold keeps its original length from now on",
        given={
            **HOST,
            "active": {"host:0": ["a"]},
            "jobs": {"a": waiting()},
            "gate": {"heldUntil": NOW + HOUR + 700, "heldSetAt": NOW + HOUR, "heldReason": "slow down"},
        },
        call=("claim", "host", 0, 15_000, 0, 0, 60_000),
        reply=["wait", 700],
        changes={"gate": {"heldUntil": NOW + 700, "heldSetAt": NOW}},
    ),
    Row(
        "acquire_token: a hold keeps its original length from now on",
        given={
            **HOST,
            "active": {"host:0": ["a"]},
            "jobs": {"a": started()},
            "gate": {"heldUntil": NOW + HOUR + 700, "heldSetAt": NOW + HOUR},
        },
        call=("acquire_token", "a", "host:0", 1, 3, 1_000),
        reply=["wait", 700],
        changes={"gate": {"heldUntil": NOW + 700, "heldSetAt": NOW}},
    ),
    Row(
        "promote_due: a retry keeps its original delay from now on",
        given={
            "delayed": {"a": NOW + HOUR + 900, "b": NOW + HOUR + 400, "c": NOW + 60_000},
            "jobs": {
                "a": delayed(createdAt=NOW + HOUR),
                "b": delayed(startedAt=NOW + HOUR, attempts=1),
                "c": delayed(),
            },
        },
        call=("promote_due", 10),
        reply=[0, 400],
        changes={
            "delayed": {"a": NOW + 900, "b": NOW + 400},
            "jobs": {"a": {"createdAt": NOW}, "b": {"startedAt": NOW}},
        },
    ),
    Row(
        "promote_due: a job that is due was not added in the future",
        given={"delayed": {"a": NOW}, "jobs": {"a": delayed(createdAt=NOW + HOUR)}},
        call=("promote_due", 10),
        reply=[1, -1],
        again=[0, -1],
        changes={
            "delayed": None,
            "wait": ["a"],
            "priority_index": {"a": 50},
            "jobs": {"a": {"state": "waiting", "queuedAt": NOW, "createdAt": NOW}},
        },
    ),
]


@pytest.mark.parametrize("row", TABLE, ids=row_name)
def test_transition_after_the_clock_was_set_back_corrects_times(redis_state: RedisState, row: Row) -> None:
    row.check(redis_state)


def test_rate_limit_after_the_clock_was_set_back_keeps_its_rate(redis_state: RedisState) -> None:
    """Five slots, five starts in ten seconds: each waits no longer than one duration."""
    for slot in range(5):
        redis_state.call("enqueue", f"a{slot}", "{}", 50, 0, now=NOW + HOUR)
        redis_state.take(f"host:{slot}")
        assert redis_state.call("claim", "host", slot, 15_000, 5, 10_000, 60_000, now=NOW + HOUR)[0] == "job"
        redis_state.call("complete", f"a{slot}", f"host:{slot}", 1, "{}", 60_000, 10, now=NOW + HOUR)
    for slot in range(5):
        redis_state.call("enqueue", f"b{slot}", "{}", 50, 0)
        redis_state.take(f"host:{slot}")
        assert redis_state.call("claim", "host", slot, 15_000, 5, 10_000, 60_000) == ["wait", 10_000]
    for slot in range(5):
        claimed = redis_state.call("claim", "host", slot, 15_000, 5, 10_000, 60_000, now=NOW + 10_000)
        assert claimed[0] == "job"
