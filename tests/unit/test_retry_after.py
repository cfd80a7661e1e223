"""The `Retry-After` header and its variants."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from preppath_workers.clients.retry_after import MAX_RETRY_AFTER, retry_after

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "1"}, 1.0),
        ({"retry-after": "Mon, 23 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Mon, 23 Nov 2026 12:00:30 -0000"}, 30.0),
        ({"retry-after": "Mon, 23 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "99999999"}, MAX_RETRY_AFTER),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "later"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "Fri, 01 Jan 99999999999999999999 00:00:00 GMT"}, None),
        ({"retry-after": "Mon, 23 Nov 2026 12:00:30 +9999"}, None),
        (
            {
                "retry-after": "Mon, 23 Nov 2026 12:00:30 GMT",
                "date": "Fri, 01 Jan 99999999999999999999 00:00:00 GMT",
            },
            30.0,
        ),
    ],
    ids=str,
)
def test_retry_after_reads_seconds_milliseconds_and_dates(
    headers: dict[str, str], expected: float | None
) -> None:
    assert retry_after(headers, NOW) == (expected if expected is None else pytest.approx(expected))


@pytest.mark.parametrize("year", [2020, 2035])
def test_retry_after_of_a_date_is_relative_to_the_servers_clock(year: int) -> None:
    """A wrong clock of this machine would hold the queue for an hour, or not at all."""
    theirs = NOW.replace(year=year)
    moments = {"date": theirs, "retry-after": theirs + timedelta(seconds=7)}

    assert retry_after({name: format_datetime(at, usegmt=True) for name, at in moments.items()}, NOW) == 7
