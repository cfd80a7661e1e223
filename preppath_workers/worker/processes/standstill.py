"""Notices that the whole program stood still, such as a stopped process group or a paused container.

Its processes then seem to hang: none has beaten for that long.
"""

from __future__ import annotations

import time
from collections.abc import Callable

#: Seconds between two looks after which this process stood still. It looks each second, on an overloaded
#: machine a little later.
_LONGEST_PAUSE = 10.0

#: Seconds in which processes that went on must have beaten: longer than any wait for Redis.
_GRACE = 30.0


class Standstill:
    """Whether this process stood still a short while ago, on a clock that goes on meanwhile."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._looked_at = clock()
        self._over_at = float("-inf")

    def look(self) -> bool:
        """Look, as is done each second. Return whether others may still need time to go on too."""
        now = self._clock()
        if now - self._looked_at > _LONGEST_PAUSE:
            self._over_at = now + _GRACE
        self._looked_at = now
        return now < self._over_at
