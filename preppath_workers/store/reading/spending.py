"""Reads the ledger's sums: what paid requests used and cost, by day, queue, model and user."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Self

from ..values import integer, text
from .reader import QueueReader

#: Measures of a model that are not kinds of tokens.
_OWN = ("calls", "nano", "estimated", "unpriced", "unknown", "unknownCalls", "ms", "characters")


@dataclass
class Spending:
    """What one queue, model or user has spent. Amounts are nano-dollars.

    Args:
        calls: requests of known cost; `estimated` of them were not reported by the vendor, and `unpriced` of
            them have no price and so aren't in `nano`.
        unknown: the most that `unknown_calls` can have cost, whose answers never came.
        tokens: by kind; `reasoning` is a part of `output`.
    """

    calls: int = 0
    nano: int = 0
    estimated: int = 0
    unpriced: int = 0
    unknown: int = 0
    unknown_calls: int = 0
    seconds: float = 0.0
    characters: int = 0
    tokens: dict[str, int] = field(default_factory=dict)

    @property
    def all_tokens(self) -> int:
        """Tokens of all kinds."""
        return sum(count for kind, count in self.tokens.items() if kind != "reasoning")

    def add(self, measure: str, amount: int) -> None:
        """Add an amount of a measure, as the ledger names it."""
        if measure == "unknownCalls":
            self.unknown_calls += amount
        elif measure == "ms":
            self.seconds += amount / 1000
        elif measure in _OWN:
            setattr(self, measure, getattr(self, measure) + amount)
        else:
            self.tokens[measure] = self.tokens.get(measure, 0) + amount

    def merge(self, other: Self) -> None:
        """Add another one."""
        for name in ("calls", "nano", "estimated", "unpriced", "unknown", "unknown_calls", "seconds"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.characters += other.characters
        for kind, count in other.tokens.items():
            self.add(kind, count)


def days(first: date, last: date) -> list[str]:
    """Return the days from `first` to `last`, ISO 8601."""
    return [(first + timedelta(number)).isoformat() for number in range((last - first).days + 1)]


def today(queue: QueueReader) -> date:
    """Return the day by the server's clock, UTC."""
    return datetime.fromtimestamp(queue.now() / 1000, UTC).date()


def by_model(queue: QueueReader, of_days: Iterable[str] | None = None) -> dict[str, Spending]:
    """Return the spending of each model on these days; since the beginning without days."""
    keys = [queue.keys.spent] if of_days is None else [queue.keys.spent_on(day) for day in of_days]
    found: dict[str, Spending] = {}
    for stored in _hashes(queue, keys):
        for name, value in stored.items():
            model, _, measure = text(name).rpartition(" ")
            found.setdefault(model, Spending()).add(measure, integer(text(value)) or 0)
    return found


def by_day(queue: QueueReader, of_days: Sequence[str]) -> dict[str, Spending]:
    """Return the spending of each of these days, without those on which nothing was paid for."""
    found: dict[str, Spending] = {}
    for day, stored in zip(of_days, _hashes(queue, map(queue.keys.spent_on, of_days)), strict=True):
        for name, value in stored.items():
            found.setdefault(day, Spending()).add(text(name).rpartition(" ")[2], integer(text(value)) or 0)
    return found


def _hashes(queue: QueueReader, keys: Iterable[str]) -> list[Mapping[Any, Any]]:
    """Return hashes of numbers, in one round trip."""
    with queue.redis.pipeline(transaction=False) as pipeline:
        for key in keys:
            pipeline.hgetall(key)
        return pipeline.execute()


@dataclass(frozen=True)
class MeanCost:
    """What a completed job of a queue has cost on average, in nano-dollars: failed attempts and unknown costs
    included, without the `unpriced` ones of the `calls` requests, which have no price."""

    nano: int
    calls: int
    unpriced: int


def mean_cost(queue: QueueReader) -> MeanCost | None:
    """Return what a completed job of the queue has cost on average; None if nothing is known."""
    completed, total = queue.statistics().get("completed", 0), Spending()
    for spending in by_model(queue).values():
        total.merge(spending)
    has_a_price = total.calls > total.unpriced or total.unknown
    if not completed or not has_a_price:
        return None
    return MeanCost(-(-(total.nano + total.unknown) // completed), total.calls, total.unpriced)
