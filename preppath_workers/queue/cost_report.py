"""What paid requests have cost, as the command `costs`, the API and the page show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, get_args

from ..config.prices import dollars
from ..store.reading.budget_use import BudgetUse
from ..store.reading.reader import QueueReader
from ..store.reading.spending import Spending, by_day, by_model, days, today
from ..store.reading.user_spending import by_user, ranked

By = Literal["model", "queue", "user", "day"]

#: What a row can be.
BY: tuple[By, ...] = get_args(By)

#: Days that one report covers at most.
_MOST_DAYS = 3_650


@dataclass(frozen=True)
class CostReport:
    """Spending by model, queue, user or day.

    Args:
        rows: the most expensive first; days, the newest first.
        total: of all requests, also of those without a user or in rows that are left out.
        more: rows that are left out; if not `is_exact`, there may be more.
    """

    by: By
    first: date
    last: date
    rows: Mapping[str, Spending]
    total: Spending
    more: int
    is_exact: bool = True

    @property
    def left_out(self) -> str:
        """How many rows are left out, in words; empty for none."""
        at_least = "" if self.is_exact else "at least "
        return f"{at_least}{self.more:,} more" if self.more else ""

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return the rows for output."""
        return [{self.by: name, **as_dict(spending)} for name, spending in self.rows.items()]


def cost_report(queues: Sequence[QueueReader], by: By, since: date | int, limit: int) -> CostReport:
    """Return what the queues have spent. `since`: the first day (UTC), or how many days, today included."""
    last = today(queues[0])
    first = first_day(since, last)
    of_days = days(first, last)
    found: dict[str, Spending] = {}
    total = Spending()
    for queue in queues:
        # Jobs may have no user, so the total is that of the models.
        of_queue = by_day(queue, of_days) if by == "day" else by_model(queue, of_days)
        for name, spending in of_queue.items():
            total.merge(spending)
            found.setdefault(queue.name if by == "queue" else name, Spending()).merge(spending)
    if by == "user":
        users = by_user(queues, of_days, limit)
        return CostReport(by, first, last, users.rows, total, users.more, users.is_exact)
    names = sorted(found, reverse=True) if by == "day" else ranked(found)
    rows = {name: found[name] for name in names[:limit]}
    return CostReport(by, first, last, rows, total, len(names) - len(rows))


def first_day(since: date | int, last: date) -> date:
    """Return the first day of a report that ends with `last`."""
    first = since if isinstance(since, date) else last - timedelta(since - 1)
    return min(max(first, last - timedelta(_MOST_DAYS)), last)


def since_of(text: str) -> date | int:
    """Return the day, or the number of days, that the text names: `2026-11-01` or `7d`. Raises ValueError."""
    try:
        if text.endswith("d") and text[:-1].isdecimal() and 1 <= int(text[:-1]) <= _MOST_DAYS:
            return int(text[:-1])
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is neither a day such as 2026-11-01 nor days such as 7d") from None
    # A day's tolerance, since Redis's clock decides which day it is.
    if day > datetime.now(UTC).date() + timedelta(1):
        raise ValueError(f"{text} is in the future")
    return day


def as_dict(spending: Spending) -> dict[str, Any]:
    """Return the spending for output: amounts in nano-dollars, and the cost in dollars too."""
    known = asdict(spending)
    known["unknownCalls"] = known.pop("unknown_calls")
    return {"dollars": dollars(spending.nano).lstrip("$"), **known}


def budget_as_dict(use: BudgetUse) -> dict[str, Any]:
    """Return the use of a cap for output: amounts in nano-dollars."""
    return {
        "scope": use.scope,
        "period": use.period,
        "dollars": dollars(use.spent + use.unknown).lstrip("$"),
        "nano": use.spent,
        "unknown": use.unknown,
        "reserved": use.reserved,
        "hard": use.cap.hard,
        "soft": use.cap.soft,
        "reached": use.reached,
    }
