"""Parse the delay that a server requests before the next request."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

#: Longest delay accepted from a header, seconds: a wrong header must not stop a queue for days.
MAX_RETRY_AFTER = 3_600.0


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Return the requested delay in seconds, or None if there is no valid one.

    `retry-after-ms` (OpenAI's, milliseconds) is more precise and takes precedence. Retry-After is a number of
    seconds or an HTTP date (RFC 9110, 10.2.3). A date is compared with the response's own Date, because this
    machine's clock may be wrong. `now` replaces a missing Date.
    """
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name, "")
        seconds = _number(value, unit)
        if seconds is None and name == "retry-after":
            seconds = _until(value, _moment(headers.get("date", "")) or now or datetime.now(UTC))
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
    moment = _moment(text)
    return (moment - now).total_seconds() if moment else None


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # the latter for a year of many digits
        return None
    # The parser returns no zone for "-0000"; HTTP dates are UTC by definition.
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
