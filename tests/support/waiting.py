"""Waiting in tests: for a condition, not for time to pass."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


def eventually(condition: Callable[[], Value], deadline: float = 10.0, every: float = 0.01) -> Value:
    """Call `condition` every `every` seconds until its value is true, and return that value.

    Raises AssertionError with the last value after `deadline` seconds, and what `condition` raises.
    """
    end = time.monotonic() + deadline
    while not (value := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline:g} s; the last value was {value!r}")
        time.sleep(every)
    return value
