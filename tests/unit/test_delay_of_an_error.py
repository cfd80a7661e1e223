"""The delay that a handler's error asks for."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from preppath_workers.errors import TransientError
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
