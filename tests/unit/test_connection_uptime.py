"""ConnectionUptime: for how long the janitor has been connected without a gap."""

from __future__ import annotations

import pytest

from preppath_workers.worker.maintenance.connection_uptime import ConnectionUptime

LEASE = 15.0


@pytest.mark.parametrize(
    ("renewals", "now", "expected"),
    [
        pytest.param([], 100, 0, id="before the first renewal"),
        pytest.param([100], 103, 0, id="soon after the first renewal"),
        pytest.param([100, 103, 106], 107.5, 4_500, id="half a lease after the first renewal"),
        pytest.param(
            [100, 103, 106, 109, 112, 115, 118], 118, 10**15, id="one lease after the first renewal"
        ),
        pytest.param([*range(100, 130), 138], 141, 0, id="soon after a gap"),
        pytest.param([*range(100, 130)], 137, 0, id="during a gap"),
        pytest.param([*range(100, 130), 136.5], 137, 10**15, id="less than half a lease between renewals"),
    ],
)
def test_uptime_starts_again_after_a_gap(renewals: list[float], now: float, expected: int) -> None:
    clock = [0.0]
    connection_uptime = ConnectionUptime(LEASE, lambda: clock[0])
    for clock[0] in renewals:
        connection_uptime.renew(round(clock[0] * 1000))
    clock[0] = now
    assert connection_uptime.uptime_ms == expected
