"""For how long a janitor has been in touch with Redis without a gap."""

from __future__ import annotations

import time
from collections.abc import Callable

#: Longer than any lease can have run out unseen, one that somebody set to 0 too (ms).
_ALL_ALONG = 10**15


def _seconds() -> float:
    """The time that a suspended machine slept counts too, as it does for the server (clock_gettime(2))."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class ConnectionUptime:
    """An instance whose lease ran out may be dead; or Redis was away, and it is as late as we are. To tell
    takes somebody who was in touch when the lease ran out, and some time before: others may come back later.
    Who was not gives everybody one lease more. So does who sees that the server's clock was put forward: by
    that clock all leases have run out at once."""

    def __init__(self, lease: float, clock: Callable[[], float] = _seconds) -> None:
        """`lease` in seconds."""
        self._lease = lease
        self._clock = clock
        self._since, self._renewed_at = float("inf"), float("-inf")
        self._server_ms = 0

    def renew(self, server_ms: int) -> None:
        """Our own leases were renewed just now, when the server's clock showed `server_ms`."""
        now = self._clock()
        if self._is_late(now) or server_ms > self.latest_ms:
            self._since = now + self._lease / 5
        self._renewed_at = now
        self._server_ms = server_ms

    @property
    def uptime_ms(self) -> int:
        """Whoever's lease ran out no longer ago than that is dead: it ran out while we were in touch, or has
        had its time since. 0 before the first renewal, and after a gap that was not yet noticed."""
        now = self._clock()
        if self._is_late(now):
            return 0
        lasted = max(0.0, now - self._since)
        return _ALL_ALONG if lasted >= self._lease else round(lasted * 1000)

    @property
    def latest_ms(self) -> int:
        """The latest that the server's clock can show, by ours: more, and it was put forward."""
        if not self._server_ms:
            return 0
        elapsed = self._clock() - self._renewed_at + self._lease / 5
        return self._server_ms + round(elapsed * 1000)

    def _is_late(self, now: float) -> bool:
        return now - self._renewed_at > self._lease / 2
