"""Checks the arguments of the public interface, and returns them as plain values: a member of an enumeration
is a str or an int, but prints as something else."""

from __future__ import annotations

from collections.abc import Iterable
from operator import index
from typing import Any

#: Ten years.
LONGEST_SECONDS = 10 * 365 * 86_400


def plain_text(name: str, value: Any) -> str:
    """Return the text as a plain str. Raises ValueError for anything else."""
    if type(value) is str:
        return value
    if isinstance(value, str):
        return str.__str__(value)
    raise ValueError(f"{name} must be text, not {value!r}")


def plain_ids(ids: Iterable[str]) -> list[str]:
    """Return the ids as plain texts. Raises ValueError if one isn't text, or if it is a text itself."""
    if isinstance(ids, str):
        raise ValueError(f"ids must be a list of ids, not the text {ids!r}")
    return [plain_text("id", job_id) for job_id in ids]


def whole_number(name: str, value: Any, low: int, high: int) -> int:
    """Return the number as a plain int. Raises ValueError if it isn't whole or out of range."""
    if type(value) is not bool and hasattr(value, "__index__") and low <= index(value) <= high:
        return index(value)
    raise ValueError(f"{name} must be a whole number from {low:,} to {high:,}, not {value!r}")


def check_seconds(name: str, value: Any) -> None:
    """Check that a value is a number. Raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{name} must be a number of seconds, not {value!r}")


def seconds(name: str, value: Any, low: float) -> float:
    """Return a number of seconds, at most ten years. Raises ValueError."""
    check_seconds(name, value)
    if not low <= value <= LONGEST_SECONDS:
        raise ValueError(f"{name} must be {low:g} or more seconds, and at most ten years, not {value!r}")
    return float(value)


def check_flag(name: str, value: Any) -> None:
    """Check that a value is True or False. Raises ValueError."""
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be True or False, not {value!r}")
