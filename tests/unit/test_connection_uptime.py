"""Whose lease a janitor may call over."""

from __future__ import annotations

import pytest

from preppath_workers.worker.connection_uptime import ConnectionUptime

LEASE = 15.0


@pytest.mark.parametrize(
    ("renewals", "now", "expected"),
    [
        pytest.param([], 100, 0, id="before the first renewal nobody's"),
        pytest.param([100], 103, 0, id="nothing that ran out before the first, or soon after it"),
        pytest.param([100, 103, 106], 107.5, 4_500, id="what ran out since"),
        pytest.param(
            [100, 103, 106, 109, 112, 115, 118], 118, 10**15, id="after a lease, what was over before"
        ),
        pytest.param([*range(100, 130), 138], 141, 0, id="after a gap, as at first"),
        pytest.param([*range(100, 130)], 137, 0, id="in a gap nobody's"),
        pytest.param([*range(100, 130), 136.5], 137, 10**15, id="half a lease is no gap"),
    ],
)
def test_what_ran_out_so_long_ago_or_later_is_over(renewals: list[float], now: float, expected: int) -> None:
    clock = [0.0]
    connection_uptime = ConnectionUptime(LEASE, lambda: clock[0])
    for clock[0] in renewals:
        connection_uptime.renew(round(clock[0] * 1000))
    clock[0] = now
    assert connection_uptime.uptime_ms == expected
