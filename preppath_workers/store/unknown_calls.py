"""Paid requests whose answers never came: listed, and given the cost that an operator has found out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from .reading.reader import QueueReader


def unknown_calls(queue: QueueReader, of_days: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield the calls of unknown cost on these days."""
    for day in of_days:
        for value in queue.redis.hgetall(queue.keys.spent_on(day) + ":unknown").values():
            call = json.loads(value)
            if isinstance(call, dict):
                yield call


def resolve_call(
    queue: QueueReader, budget: QueueReader, of_days: Sequence[str], call_id: str, nano: int
) -> dict[str, Any] | None:
    """Store what a call of unknown cost has cost, in the ledger and in the budget; 0 if it was not charged.
    `budget` reads the queue `budget`. Return the call as it was; None if these days list no such call."""
    verdict, *found = queue.call("resolve_call", call_id, nano, *of_days)
    if verdict == "none":
        return None
    budget.call("settle_reservations", call_id, nano if nano else "void")
    call: dict[str, Any] = json.loads(found[0])
    return call
