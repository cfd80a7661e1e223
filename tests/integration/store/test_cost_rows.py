"""The list of paid requests that become rows of PostgreSQL."""

from __future__ import annotations

import json
from typing import Any

import pytest

from preppath_workers.store.cost_rows import MOST

from .redis_state import NOW, RedisState
from .state_table import HOST, started
from .test_model import source

OWNER = ("a", "host:0", "1")
OPEN = {"id": "c1", "job": "a", "kind": "open", "model": "m", "worst": 900, "attempt": 1, "rows": True}


def call(kind: str, nano: int | None = None, **more: Any) -> str:
    return json.dumps({**OPEN, "at": NOW, "kind": kind, "nano": nano, **more})


@pytest.fixture
def opened(redis_state: RedisState) -> RedisState:
    """A running job that has opened the call c1."""
    redis_state.write({**HOST, "active": {"host:0": ["a"]}, "jobs": {"a": started()}})
    redis_state.call("open_call", *OWNER, "c1", json.dumps(OPEN), "")
    return redis_state


def listed(redis_state: RedisState) -> list[tuple[str, int]]:
    entries = redis_state.redis.lrange(redis_state.keys.cost_rows, 0, -1)
    return [(entry["kind"], entry["nano"]) for entry in map(json.loads, entries)]


def test_checkpoint_sent_twice_lists_its_call_once(opened: RedisState) -> None:
    for _ in range(2):
        opened.call("checkpoint", *OWNER, "scores", "{}", call("actual", 250))
    assert listed(opened) == [("actual", 250)]


def test_call_without_rows_is_not_listed(opened: RedisState) -> None:
    opened.call("close_calls", "a", call("actual", 250, rows=False))
    assert not opened.redis.exists(opened.keys.cost_rows)


def test_call_that_costs_nothing_is_not_listed(opened: RedisState) -> None:
    opened.call("close_calls", "a", call("void"))
    assert listed(opened) == []


@pytest.mark.parametrize(("late", "nano"), [("actual", 250), ("void", None)])
def test_late_answer_of_an_unknown_call_lists_it_again(
    opened: RedisState, late: str, nano: int | None
) -> None:
    opened.call("recover", "host:0", "1", 3)
    for _ in range(2):
        opened.call("close_calls", "a", call(late, nano))
    assert listed(opened) == [("unknown", 900), (late, nano)]


@pytest.mark.parametrize("nano", [0, 7])
def test_resolved_call_of_a_job_that_is_gone_is_listed_again(opened: RedisState, nano: int) -> None:
    opened.call("recover", "host:0", "1", 3)
    opened.redis.delete(opened.keys.job("a"))
    for _ in range(2):
        opened.call("resolve_call", "c1", nano, "1970-01-01")
    assert listed(opened) == [("unknown", 900), ("actual" if nano else "void", nano)]


def test_full_list_counts_what_is_left_out(opened: RedisState) -> None:
    opened.redis.eval(f"for _ = 1, {MOST} do redis.call('RPUSH', KEYS[1], '1') end", 1, opened.keys.cost_rows)
    opened.call("close_calls", "a", call("actual", 250))
    assert opened.redis.llen(opened.keys.cost_rows) == MOST
    assert opened.redis.hget(opened.keys.stats, "costRowsDropped") == "1"
    assert f"local MOST_ROWS = {MOST}\n" in source("lib/cost_rows")


def test_remove_cost_rows_removes_only_what_is_still_first(redis_state: RedisState) -> None:
    key = redis_state.keys.cost_rows
    redis_state.redis.rpush(key, "1", "2", "3", "4")
    assert redis_state.call("remove_cost_rows", "1", "2") == ["ok", 2]
    assert redis_state.call("remove_cost_rows", "1", "2", "3") == ["ok", 0]  # a slower reader, or sent again
    assert redis_state.redis.lrange(key, 0, -1) == ["3", "4"]
