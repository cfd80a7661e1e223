"""Paid requests that are listed to become rows of PostgreSQL, as `lua/lib/cost_rows.lua` lists them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .reading.reader import QueueReader
from .values import json_value

#: Requests that are stored in one transaction.
PAGE = 500

#: What only an entry that was pushed by hand lacks.
_NEEDED = {"id", "at", "kind"}

#: Requests that are listed at most, as in `lua/lib/cost_rows.lua`.
MOST = 250_000

#: Stores records, committed when it returns, and returns how many rows that changed.
Store = Callable[[Sequence[dict[str, Any]]], int]


def store_listed(queue: QueueReader, store: Store) -> int:
    """Store all that is listed, oldest first; return how many rows that changed.

    What was stored leaves the list afterwards, so a process that dies in between, or runs beside another one,
    stores some of it twice: `store` must make the same rows of it. Raises redis.RedisError, and what `store`
    raises.
    """
    changed = 0
    while page := queue.read("LRANGE", queue.keys.cost_rows, 0, PAGE - 1):
        calls = [call for call in map(json_value, page) if isinstance(call, dict) and call.keys() >= _NEEDED]
        changed += store([{**call, "queue": queue.name} for call in calls]) if calls else 0
        queue.call("remove_cost_rows", *page)
        if len(page) < PAGE:
            break
    return changed


def is_full(queue: QueueReader) -> bool:
    """Return whether further requests are left out."""
    return int(queue.redis.llen(queue.keys.cost_rows)) >= MOST


def left_out(queue: QueueReader) -> int:
    """Return how many requests were left out since the beginning."""
    return queue.statistics().get("costRowsDropped", 0)
