"""The page of costs: what paid requests have cost, and what is used of the caps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...queue.cost_report import BY, cost_report, since_of
from ..problem import Problem
from ..queues import Queues
from .text import query

#: Rows of the table.
_MOST = 100
#: Periods to choose from, as the command takes them.
_PERIODS = {"1d": "today", "7d": "7 days", "30d": "30 days", "365d": "a year"}


def cost_view(queues: Queues, asked: Mapping[str, str]) -> dict[str, Any]:
    """Return what the template shows. `asked`: the address's query. Raises Problem."""
    by, since = asked.get("by", "model"), asked.get("since", "30d")
    if by not in BY:
        raise Problem(422, f"there are no costs by {by!r}: expected {', '.join(BY)}")
    try:
        first = since_of(since)
    except ValueError as error:
        raise Problem(422, str(error)) from None
    return {
        "now": queues.budget_reader.now(),
        "report": cost_report([*queues.by_name.values()], by, first, _MOST),
        "by": by,
        "kinds": [(each, query(by=each, since=since)) for each in BY],
        "periods": [(word, each == since, query(by=by, since=each)) for each, word in _PERIODS.items()],
        "caps": queues.caps_in_use(),
    }
