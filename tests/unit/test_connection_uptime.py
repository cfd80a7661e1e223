"""ConnectionUptime: for how long the janitor has been connected without a gap."""

from __future__ import annotations

import pytest

from preppath_workers.worker.maintenance.connection_uptime import ConnectionUptime
from preppath_workers.worker.processes.connection_record import ConnectionRecord

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
    connection_uptime = ConnectionUptime(LEASE, ConnectionRecord(), lambda: clock[0])
    for clock[0] in renewals:
        connection_uptime.renew(round(clock[0] * 1000))
    clock[0] = now
    assert connection_uptime.uptime_ms == expected


def successor(clock: list[float]) -> ConnectionUptime:
    """Of a janitor that renewed the lease from 100 to 121."""
    record = ConnectionRecord()
    predecessor = ConnectionUptime(LEASE, record, lambda: clock[0])
    for clock[0] in range(100, 123, 3):
        predecessor.renew(round(clock[0] * 1000))
    return ConnectionUptime(LEASE, record, lambda: clock[0])


@pytest.mark.parametrize(
    ("renewed", "expected"),
    [
        pytest.param(124.0, 10**15, id="soon after its predecessor"),
        pytest.param(130.0, 0, id="half a lease after its predecessor"),
    ],
)
def test_uptime_of_a_janitor_goes_on_unless_it_comes_late(renewed: float, expected: int) -> None:
    clock = [0.0]
    connection_uptime = successor(clock)
    clock[0] = renewed
    connection_uptime.renew(round(clock[0] * 1000))

    assert connection_uptime.uptime_ms == expected


def test_uptime_of_a_janitor_that_finds_the_clock_set_forward_starts_again() -> None:
    connection_uptime = successor([0.0])
    connection_uptime.renew(200_000)

    assert connection_uptime.uptime_ms == 0
