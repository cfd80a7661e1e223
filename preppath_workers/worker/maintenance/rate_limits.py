"""Logs when instances are configured with different rate limits, and which limit is in force."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from ...config.model import RateLimit
from ...log import fields

logger = logging.getLogger(__name__)


class RateLimits:
    """Logs each change of a queue's rate-limit conflict once."""

    def __init__(self, queue: str) -> None:
        self._queue = queue
        self._conflict: tuple[str, ...] = ()

    def compare(self, ours: RateLimit | None, conflict: Sequence[str]) -> None:
        """Log a conflict that begins, changes or ends.

        Args:
            ours: the limit that this instance is configured with.
            conflict: empty, or maximum, duration (ms) and instance of the limit in force, then of the other.
        """
        words = tuple(map(str, conflict))
        # Without the instances: many may have the other limit, and each heartbeat names one of them.
        limits = (*words[:2], *words[3:5])
        if limits == self._conflict:
            return
        self._conflict = limits
        if not words:
            logger.info("All instances have the same rate limit again", extra=fields(queue=self._queue))
            return
        most, duration, instance, other_most, other_duration, other = words
        logger.warning(
            "Instances have different rate limits, the newest configuration is in force",
            extra=fields(
                queue=self._queue,
                inForce=_shown(most, duration),
                instance=instance,
                other=_shown(other_most, other_duration),
                otherInstance=other,
                ours=str(ours) if ours else "none",
            ),
        )


def _shown(most: str, duration_ms: str) -> str:
    return str(RateLimit(int(most), int(duration_ms) / 1000)) if int(most) else "none"
