"""What paid requests cost, in the words of the commands and the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..config.budget import Cap, Caps
from ..config.prices import NANO, dollars
from ..store.reading.budget_use import BudgetUse
from ..store.reading.reader import QueueReader
from ..store.reading.spending import Spending, by_day, by_model, days, today
from .formatting import counted


def cost_of(cost: Mapping[str, Any]) -> str:
    """Return what the job's paid requests cost, in one line."""
    unpriced = sum(
        call.get("kind") in ("actual", "estimated") and "nano" not in call for call in cost["requests"]
    )
    open_calls = sum(call.get("kind") == "open" for call in cost["requests"])
    parts = [f"{dollars(cost['nano'])} for {counted(cost['calls'], 'request')}"]
    parts += (
        [f"up to {dollars(cost['unknownNano'])} more whose answers never came"] if cost["unknownNano"] else []
    )
    parts += [f"{unpriced} without a price"] if unpriced else []
    parts += [f"{open_calls} in progress"] if open_calls else []
    return ", ".join(parts)


def spent_lately(queue: QueueReader) -> str | None:
    """Return what the queue's requests have cost today and in this month (UTC); None if it has never paid for
    any."""
    last = today(queue)
    of_days = by_day(queue, days(last.replace(day=1), last))
    if not of_days and not by_model(queue):
        return None
    of_today, of_month = of_days.get(last.isoformat(), Spending()), Spending()
    for spending in of_days.values():
        of_month.merge(spending)
    requests = f" for {counted(of_today.calls, 'request')}" if of_today.calls else ""
    unknown = f", up to {short(of_month.unknown)} more unknown" if of_month.unknown else ""
    return f"{short(of_today.nano)} today{requests}, {short(of_month.nano)} this month{unknown}"


def budget_of(use: BudgetUse) -> str:
    """Return what is used of a cap, and whether it is reached."""
    return ", ".join([budget_used(use), *([cap_reached(use)] if use.reached else [])])


def user_caps(caps: Caps) -> str:
    """Return the caps of each user: `$1.00 a day, $9.00 a month`."""
    both = ((caps.day, "day"), (caps.month, "month"))
    return ", ".join(f"{_limit(cap)} a {period}" for cap, period in both if cap)


def cap_reached(use: BudgetUse) -> str:
    """Return which cap is reached, in words."""
    return "nothing is left" if use.reached == "hard" else "the soft cap is reached"


def budget_used(use: BudgetUse) -> str:
    """Return what is used of a cap: `$3.20 of $20.00 today, $0.10 of it reserved`."""
    cap, period = use.cap, "today" if use.period == "day" else "this month"
    parts = [f"{short(use.counted)} of {_limit(cap)} {period}"]
    parts += [f"{short(use.reserved)} of it reserved"] if use.reserved else []
    parts += [f"up to {short(use.unknown)} of it unknown"] if use.unknown else []
    return ", ".join(parts)


def short(nano: int) -> str:
    """Return nano-dollars as text to be read: cents, and two more digits below a dollar, rounded up."""
    if nano >= NANO:
        return f"${-(-nano * 100 // NANO) / 100:,.2f}"
    whole, _, rest = f"{-(-nano * 10_000 // NANO) / 10_000:.4f}".partition(".")
    return f"${whole}.{rest.rstrip('0'):0<2}"


def _limit(cap: Cap) -> str:
    if cap.hard is None:
        return f"a soft {short(cap.soft or 0)}"
    return short(cap.hard) if cap.soft is None else f"{short(cap.hard)} (soft {short(cap.soft)})"
