"""What OpenAI's answers report. They may be of any shape: gateways and other vendors' servers differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

#: Tokens that are plausible for one request: no model has a larger context.
_MOST_TOKENS = 10**7
#: Seconds that are plausible for one recording: a week.
_LONGEST = 604_800


def field(holder: Any, *path: str) -> Any:
    """Return a field of JSON objects, or of objects of the SDK; None if one on the path is missing."""
    for name in path:
        holder = holder.get(name) if isinstance(holder, Mapping) else getattr(holder, name, None)
    return holder


def items(holder: Any, *path: str) -> Sequence[Any]:
    """Return the list in a field; an empty one if there is none."""
    value = field(holder, *path)
    return value if isinstance(value, list) else []


def text_of(message: Any) -> str | None:
    """Return the text of a chat's message, which some servers split into parts; None if it has none."""
    content = field(message, "content")
    if isinstance(content, list):
        parts = [field(part, "text") for part in content if field(part, "type") == "text"]
        content = "".join(part for part in parts if isinstance(part, str)) or None
    return content if isinstance(content, str) else None


def token_count(holder: Any, *path: str) -> int | None:
    """Return the number of tokens in a field; None if it isn't reported, or isn't plausible."""
    value = field(holder, *path)
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MOST_TOKENS
    return value if is_count else None


def duration(holder: Any, *path: str) -> int | float | None:
    """Return the seconds in a field; None if they aren't reported, or aren't plausible."""
    value = field(holder, *path)
    is_time = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= _LONGEST
    return value if is_time else None
