"""Caps on what paid requests may cost, in nano-dollars."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from .prices import NANO

#: The largest cap, dollars: sums stay far below what Lua counts exactly.
_LARGEST = 1_000_000


@dataclass(frozen=True)
class Cap:
    """The most of one period. `hard` is never exceeded, `soft` is only reported; None for none.

    Written in dollars, `hard` or `hard/soft`: `20`, `20/15`, or `none/15`.
    """

    hard: int | None = None
    soft: int | None = None

    @classmethod
    def parse(cls, text: str) -> Cap:
        """Return the cap that the text describes. Raises ValueError."""
        hard, slash, soft = text.partition("/")
        return cls(_nano(hard), _nano(soft) if slash else None)

    def __bool__(self) -> bool:
        return self.hard is not None or self.soft is not None


@dataclass(frozen=True)
class Caps:
    """The caps of a day and of a month (UTC)."""

    day: Cap = Cap()
    month: Cap = Cap()

    def __bool__(self) -> bool:
        return bool(self.day) or bool(self.month)


@dataclass(frozen=True)
class Budget:
    """The caps of all queues together, and those of each user; a queue's own are in its settings."""

    all: Caps = Caps()
    user: Caps = Caps()


def _nano(text: str) -> int | None:
    return None if text.strip().lower() == "none" else nano_dollars(text)


def nano_dollars(text: str) -> int:
    """Return the nano-dollars of an amount in dollars. Raises ValueError."""
    try:
        dollars = Decimal(text)
    except InvalidOperation:
        raise ValueError("expected dollars") from None
    if not dollars.is_finite() or not 0 <= dollars <= _LARGEST:
        raise ValueError("expected dollars")
    return int(dollars * NANO)
