"""What vendors tell of their rate limits: in OpenAI's headers, which others send too, and Realtime events."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

#: The limits that count, by requests and by tokens.
NAMES = ("requests", "tokens")

#: Values above are garbage: a day of reset, and far more tokens than any account has.
_LONGEST_RESET, _MOST = 86_400.0, 10**12

#: A duration such as `12ms`, `1s` or `6m0s` (OpenAI's guide "Rate limits"); without a unit, seconds.
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?", re.ASCII)
_SECONDS = re.compile(r"\d+(\.\d+)?", re.ASCII)
_COUNT = re.compile(r"\d{1,12}", re.ASCII)


class VendorLimit(NamedTuple):
    """One limit of an account for a model.

    Args:
        name: `requests` or `tokens`.
        limit: how many it has when it is full.
        remaining: how many are left.
        reset: seconds until it is full again.
    """

    name: str
    limit: int
    remaining: int
    reset: float


def limits_in_headers(headers: Mapping[str, str]) -> tuple[VendorLimit, ...]:
    """Return the limits that the headers `x-ratelimit-…` of an answer describe completely."""

    def values() -> Iterator[tuple[str, Any, Any, Any]]:
        for name in NAMES:
            limit, remaining, reset = (
                headers.get(f"x-ratelimit-{what}-{name}", "") for what in ("limit", "remaining", "reset")
            )
            yield name, _count(limit), _count(remaining), _duration(reset)

    return _known(values())


def limits_in_event(limits: Any) -> tuple[VendorLimit, ...]:
    """Return the limits of the Realtime event `rate_limits.updated`; `limits` is its list, of any shape."""
    entries = [each for each in limits if isinstance(each, Mapping)] if isinstance(limits, list) else []
    return _known(
        (str(each.get("name")), each.get("limit"), each.get("remaining"), each.get("reset_seconds"))
        for each in entries
    )


def _known(values: Iterator[tuple[str, Any, Any, Any]]) -> tuple[VendorLimit, ...]:
    return tuple(
        VendorLimit(name, int(limit), int(min(limit, remaining)), float(reset))
        for name, limit, remaining, reset in values
        if name in NAMES
        and _is_number(limit, _MOST)
        and limit >= 1
        and _is_number(remaining, _MOST)
        and _is_number(reset, _LONGEST_RESET)
    )


def _is_number(value: Any, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most


def _count(text: str) -> int | None:
    return int(text) if _COUNT.fullmatch(text) else None


def _duration(text: str) -> float | None:
    if _SECONDS.fullmatch(text):
        return float(text)
    found = _DURATION.fullmatch(text) if text else None
    if not found:
        return None
    hours, minutes, seconds, milliseconds = (float(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds + milliseconds / 1000
