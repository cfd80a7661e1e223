"""Values as answers and hashes of Redis hold them: text, numbers, times and JSON, which people also edit."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

#: ms: far beyond the times that can be shown. Redis and Lua have whole numbers up to here.
_FAR = 2**53


def text(value: bytes | str) -> str:
    """Return Redis's answer as text, whether the client decodes answers or not."""
    return value if isinstance(value, str) else value.decode("utf-8", "surrogateescape")


def sendable(text: str) -> str | bytes:
    """Return the text as commands take it, with surrogates as the bytes that they were read from. What cannot
    have been read becomes `?`, which no id contains: such a job is not found."""
    if text.isascii():
        return text
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def integer(text: str | None) -> int | None:
    """Return the number in a field of a hash; None if it isn't one."""
    try:
        return int(text if text.isdecimal() else float(text)) if text else None
    except (ValueError, OverflowError):
        return None


def json_value(text: str | None, loads: Callable[[str], Any] = json.loads) -> Any:
    """Return the JSON value in a field of a hash; None if it is missing or isn't JSON."""
    try:
        return loads(text) if text else None
    except (ValueError, RecursionError):
        return None


def error_object(text: str | None) -> dict[str, Any] | None:
    """Return the stored error; anything that isn't a JSON object becomes its message."""
    value = json_value(text)
    if isinstance(value, dict):
        return value
    return {"class": "Unknown", "message": text} if text else None


def iso(ms: int | None) -> str | None:
    """Return the time as ISO 8601 (UTC, ms); None for None, and for a time out of range."""
    if ms is None:
        return None
    try:
        return (
            datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        )
    except (ValueError, OverflowError, OSError):
        return None


def score_ms(score: float | str) -> int:
    """Return the time (ms) that is an entry's score in a sorted set. `ZADD … +inf` delays without end: that
    becomes a time out of range."""
    return int(max(-_FAR, min(_FAR, float(score))))


def milliseconds(seconds: float) -> int:
    """Return whole milliseconds, as scripts take times."""
    return round(seconds * 1000)
