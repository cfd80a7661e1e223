"""How tests wait: for a fact, never for time to pass."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Fact = TypeVar("Fact")


def eventually(fact: Callable[[], Fact], deadline: float = 10.0, every: float = 0.01) -> Fact:
    """Calls `fact` every `every` seconds until its value is true, and returns that value.

    Raises AssertionError with the last value after `deadline` seconds. What `fact` raises is passed on.
    """
    end = time.monotonic() + deadline
    while not (value := fact()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline:g} s; the last value was {value!r}")
        time.sleep(every)
    return value
