"""The measure that the other tests rely on detects a broken limit."""

from __future__ import annotations

import pytest

from tests.rate_limiter.figures import fullest_window


@pytest.mark.parametrize(
    ("moments", "most"),
    [
        ([], 0),
        ([5], 1),
        ([0, 0, 1_000, 1_000], 2),
        ([0, 500, 1_000, 1_500], 2),
        ([0, 500, 999.9], 3),
        ([1_000, 0, 500, 999], 3),
        ([0, 999, 1_000, 1_001, 1_998], 4),
    ],
    ids=str,
)
def test_fullest_window_starts_anywhere_and_excludes_its_end(moments: list[float], most: int) -> None:
    assert fullest_window(moments, 1_000) == most
