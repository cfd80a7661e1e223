"""Waiting in tests: for a condition, not for time to pass."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")

#: Seconds between two polls of a long wait.
_SLOWEST = 0.05


def eventually(condition: Callable[[], Value], deadline: float = 30.0, every: float = 0.01) -> Value:
    """Call `condition` every `every` seconds until its value is true, and return that value.

    The deadline is for a busy machine: a test that passes doesn't wait for it.

    The longer the wait, the longer the pauses, up to a twentieth of it: a poll can be expensive.

    Raises AssertionError with the last value after `deadline` seconds, and what `condition` raises.
    """
    start = time.monotonic()
    while not (value := condition()):
        waited = time.monotonic() - start
        if waited > deadline:
            raise AssertionError(f"not within {deadline:g} s; the last value was {value!r}")
        time.sleep(max(every, min(waited / 20, _SLOWEST)))
    return value
