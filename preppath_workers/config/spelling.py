"""Finds the name that a misspelt one stands for."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

#: How alike two names must be, from 0 to 1. High, since there may be variables of other programs.
_ALIKE = 0.88


def most_alike(name: str, others: Iterable[str]) -> str | None:
    """Return the one of the other names that differs from this one by little, or only in its case."""
    by_upper = {other.upper(): other for other in others}
    return next((by_upper[found] for found in get_close_matches(name.upper(), by_upper, 1, _ALIKE)), None)
