"""Paid requests that are listed to become rows of PostgreSQL, as `lua/lib/cost_rows.lua` lists them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .values import json_value

if TYPE_CHECKING:
    from .reading.reader import QueueReader

#: Requests that are stored in one transaction.
PAGE = 500

#: What only an entry that was pushed by hand lacks.
_NEEDED: Mapping[str, type] = {"id": str, "at": int, "kind": str}

#: Requests that are listed at most, as in `lua/lib/cost_rows.lua`.
MOST = 250_000

#: Stores records, committed when it returns, and returns how many rows that changed.
Store = Callable[[Sequence[dict[str, Any]]], int]


def store_listed(queue: QueueReader, store: Store, skipped: Callable[[str], None] = lambda _: None) -> int:
    """Store all that is listed, oldest first; return how many rows that changed. `skipped` is called with
    each entry that isn't a request.

    `store` must be idempotent. Entries are removed from the list after they were stored, so some are stored
    twice if this process dies in between, or runs at the same time as another one. Raises redis.RedisError,
    and what `store` raises.
    """
    changed = 0
    while page := queue.read("LRANGE", queue.keys.cost_rows, 0, PAGE - 1):
        read = [(entry, _request(entry)) for entry in page]
        calls = [{**call, "queue": queue.name} for _, call in read if call]
        changed += store(calls) if calls else 0
        for entry in (entry for entry, call in read if not call):
            skipped(entry)
        queue.call("remove_cost_rows", *page)
        if len(page) < PAGE:
            break
    return changed


def _request(entry: str) -> dict[str, Any] | None:
    call = json_value(entry)
    if isinstance(call, dict) and all(isinstance(call.get(name), kind) for name, kind in _NEEDED.items()):
        return call
    return None


def is_full(queue: QueueReader) -> bool:
    """Return whether further requests are left out."""
    return int(queue.redis.llen(queue.keys.cost_rows)) >= MOST


def rows_left_out(queue: QueueReader) -> int | None:
    """Return how many requests were left out since the beginning, if further ones are; else None."""
    return left_out(queue) if is_full(queue) else None


def left_out(queue: QueueReader) -> int:
    """Return how many requests were left out since the beginning."""
    return queue.statistics().get("costRowsDropped", 0)
