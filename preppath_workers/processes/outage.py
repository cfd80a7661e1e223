"""Redis is away: wait longer and longer, tell it once, and tell when it is back."""

from __future__ import annotations

import logging
import random
import time

from redis.exceptions import RedisError

from ..log import facts

logger = logging.getLogger(__name__)

#: Seconds before the first try to connect again, and at most.
_FIRST, _LONGEST = 0.05, 2.0


class Outage:
    """Counts one process's failures to reach Redis."""

    def __init__(self, longest: float = _LONGEST) -> None:
        """`longest`: seconds between two tries, at most."""
        self._longest = min(longest, _LONGEST)
        self._failures = 0
        self._since = 0.0

    def failed(self, error: RedisError) -> float:
        """Notes a failure; returns the seconds to wait before the next try."""
        if not self._failures:
            self._since = time.monotonic()
            logger.warning(
                "Redis does not answer, trying again",
                extra=facts(error=type(error).__name__, detail=str(error)),
            )
        self._failures += 1
        # Half of it at random, or all children would come back in the same moment.
        longest = min(self._longest, _FIRST * 2.0 ** min(self._failures, 16))
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 — jitter is no secret

    def over(self) -> None:
        """Notes that Redis answered."""
        if self._failures:
            logger.info("Redis is back", extra=facts(seconds=round(time.monotonic() - self._since, 1)))
            self._failures = 0
