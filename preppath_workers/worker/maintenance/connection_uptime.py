"""How long an instance has been connected to Redis without a gap."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..processes.connection_record import ConnectionRecord

#: Longer than any lease can have been expired, even one that an operator set to 0 (ms).
_UNLIMITED_MS = 10**15


def _seconds() -> float:
    """Return seconds of a clock that includes suspend (clock_gettime(2)), as the server's clock does."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class ConnectionUptime:
    """Measures the time since an instance's last gap in renewing its own lease.

    If an instance's lease has expired, either the instance is dead or no instance could reach Redis. Only one
    that was connected when the lease expired can tell. The janitor of one that was not connected, or that
    sees the server's clock jump forward, grants every instance one more lease.

    A janitor that is replaced is a gap only if its successor comes too late: else each death of a janitor
    would delay the recovery of the instances that died shortly before.
    """

    def __init__(self, lease: float, record: ConnectionRecord, clock: Callable[[], float] = _seconds) -> None:
        """Go on with what `record` holds of earlier janitors. `lease` is in seconds."""
        self._lease = lease
        self._record = record
        self._clock = clock

    def renew(self, server_ms: int) -> None:
        """Record that this instance's leases were renewed at `server_ms` of the server's clock."""
        now, since = self._clock(), self._record.since
        if self._is_late(now) or server_ms > self.latest_ms:
            since = now + self._lease / 5
        self._record.store(since, now, server_ms)

    @property
    def uptime_ms(self) -> int:
        """Milliseconds for which an expired lease proves its instance dead.

        0 before the first renewal and after a gap; unlimited after one lease without a gap.
        """
        now = self._clock()
        if self._is_late(now):
            return 0
        lasted = max(0.0, now - self._record.since)
        return _UNLIMITED_MS if lasted >= self._lease else round(lasted * 1000)

    @property
    def latest_ms(self) -> int:
        """The latest plausible time of the server's clock (ms); a later one means that it jumped forward."""
        if not self._record.server_ms:
            return 0
        elapsed = self._clock() - self._record.renewed_at + self._lease / 5
        return self._record.server_ms + round(elapsed * 1000)

    def _is_late(self, now: float) -> bool:
        return now - self._record.renewed_at > self._lease / 2
