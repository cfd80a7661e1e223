"""How long a server asks us to wait before the next request, as the headers of its answer tell."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

#: Longest wait, s, that is taken over from Retry-After. After it we ask again, which costs one request;
#: a wrong header, taken at its word, could stop a queue for days.
MAX_RETRY_AFTER = 3_600.0


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """The seconds that the server asks us to wait, or None when it does not say so legibly.

    `retry-after-ms` (OpenAI's own, milliseconds) is more exact and goes first; Retry-After is a number of
    seconds or an HTTP date (RFC 9110, 10.2.3).
    """
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name, "")
        seconds = _number(value, unit)
        if seconds is None and name == "retry-after":
            seconds = _until(value, now or datetime.now(UTC))
        if seconds is not None:
            return min(max(seconds, 0.0), MAX_RETRY_AFTER)
    return None


def _number(text: str, unit: float) -> float | None:
    try:
        number = float(text) * unit
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _until(text: str, now: datetime) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    # A date in the zone "-0000" comes without one; an HTTP date is UTC by definition.
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now.timestamp()
