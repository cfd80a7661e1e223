"""Checks what a handler passes to its context, whichever context that is."""

from __future__ import annotations

from typing import Any, SupportsFloat

from ...errors import Snooze
from ...store.arguments import LONGEST_SECONDS, check_seconds


def percentage(percent: SupportsFloat) -> float:
    """Return a progress, cut to 0 to 100. Raises ValueError if it isn't a number."""
    value: Any = percent
    if isinstance(value, bool) or not hasattr(value, "__float__") or value != value:
        raise ValueError(f"percent must be a number, not {value!r}")
    return float(max(0, min(100, value)))


def snoozed(seconds: float) -> Snooze:
    """Return the error that snoozes a job. Raises ValueError for less than 0 s or more than ten years."""
    check_seconds("seconds", seconds)
    if not 0 <= seconds <= LONGEST_SECONDS:
        raise ValueError(f"a snooze must be 0 to {LONGEST_SECONDS:,} seconds, not {seconds!r}")
    return Snooze(f"snoozed for {seconds:g} s", seconds)
