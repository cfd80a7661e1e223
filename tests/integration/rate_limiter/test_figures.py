"""The figures tell a limit that is broken, or wasted, from one that is kept."""

from __future__ import annotations

import pytest

from preppath_workers.config.model import RateLimit
from tests.rate_limiter.figures import fullest_window, lateness, utilisation

LIMIT = RateLimit(2, 1.0)


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
def test_a_window_begins_anywhere_and_does_not_hold_its_end(moments: list[float], most: int) -> None:
    assert fullest_window(moments, 1_000) == most


def test_what_comes_late_is_wasted() -> None:
    moments = [0, 0, 1_000, 1_100, 2_000, 2_200]
    assert lateness(moments, LIMIT) == [0, 100, 0, 100]
    assert utilisation(moments, LIMIT) == pytest.approx(1_000 / 1_050)


def test_what_comes_early_is_no_merit() -> None:
    assert min(lateness([0, 0, 900], LIMIT)) == -100
