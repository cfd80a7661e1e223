"""Looks up what earlier attempts at a job have stored."""

from __future__ import annotations

from typing import Any

from ..registry import JobContext


class _NotStored(Exception):
    """Raised in place of a result."""


def stored(context: JobContext, name: str) -> Any:
    """Return the result of the step, or None if no attempt has stored one."""

    def unknown() -> None:
        raise _NotStored

    try:
        return context.step(name, unknown)
    except _NotStored:
        return None


def tries_made(context: JobContext, name: str, most: int) -> int:
    """Return the number of the latest try that `note_try` has stored, at most `most`; 0 if none."""
    return max((number for number in range(1, most + 1) if stored(context, f"{name}-{number}")), default=0)


def note_try(context: JobContext, name: str, number: int) -> None:
    """Store the number of a try that failed: an attempt that isn't counted would begin with the first."""
    context.step(f"{name}-{number}", lambda: True)
