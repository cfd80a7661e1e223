"""What paid requests cost, in the words of the commands and the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..config.prices import dollars
from ..store.reading.reader import QueueReader
from ..store.reading.spending import Spending, by_model, mean_cost, today
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


def spent_today(queue: QueueReader) -> str | None:
    """Return what the queue's requests have cost since midnight (UTC); None if it has never paid for any."""
    whole = Spending()
    for spending in by_model(queue, [today(queue).isoformat()]).values():
        whole.merge(spending)
    if not whole.calls and not whole.unknown_calls and not by_model(queue):
        return None
    unknown = f", up to {dollars(whole.unknown)} more unknown" if whole.unknown else ""
    return f"{dollars(whole.nano)} for {counted(whole.calls, 'request')}{unknown}"


def expected_cost(queue: QueueReader, jobs: int) -> str | None:
    """Return what `jobs` jobs of the queue may cost, from what its jobs have cost so far, as a line of text;
    None if that isn't known."""
    mean = mean_cost(queue) if jobs else None
    if mean is None:
        return None
    return (
        f"{queue.name}: {counted(jobs, 'job')} may cost about {dollars(mean * jobs)}, "
        f"{dollars(mean)} each as so far; steps that are stored cost nothing again"
    )
