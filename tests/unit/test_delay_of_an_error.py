"""The delay that a handler's error asks for."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from preppath_workers.errors import ServiceError, TransientError
from preppath_workers.worker.attempt.failures import delay_in_ms, failed


@pytest.mark.parametrize(
    ("delay", "expected"),
    [
        (1.5, 1_500),
        ("30", 30_000),  # of a header, as it came
        (" 0.5 ", 500),
        ("Fri, 27 Nov 2026 23:00:00 GMT", None),
        ("nan", None),
        ("", None),
        (None, None),
        (-5, 0),
        (timedelta(seconds=30), 30_000),
        (Decimal("1.5"), 1_500),
        (10**400, 315_360_000_000),
        (1e306, 315_360_000_000),
        (-1e306, 0),
        (float("inf"), None),
        ([3], None),
    ],
)
def test_delay_in_ms_of_an_error_reads_numbers_also_as_text(delay: object, expected: int | None) -> None:
    assert delay_in_ms(delay) == expected


def test_failed_attempt_has_the_delay_of_its_error() -> None:
    error = TransientError("again", retry_after="30")  # type: ignore[arg-type] # a header's value
    assert failed(error, ()).retry_after_ms == 30_000


def test_delay_of_a_failed_attempt_is_a_day_at_most() -> None:
    """A time in place of a duration, such as 1795880000, kept the queue out of service for ten years."""
    error = ServiceError("vendor", "away", retry_after=1_795_880_000)
    assert failed(error, ()).retry_after_ms == 24 * 3600 * 1000
