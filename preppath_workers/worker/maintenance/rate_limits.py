"""Logs when instances are configured with different rate limits, and which limit is in force."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from ...config.model import RateLimit
from ...log import fields

logger = logging.getLogger(__name__)


class RateLimits:
    """Logs each change of a rate-limit conflict once, for one janitor."""

    def __init__(self) -> None:
        self._conflicts: dict[str, tuple[str, ...]] = {}

    def compare(self, queue: str, ours: RateLimit | None, conflict: Sequence[str]) -> None:
        """Log a conflict that begins, changes or ends.

        Args:
            queue: the queue's name.
            ours: the limit that this instance is configured with.
            conflict: empty, or maximum, duration (ms) and instance of the limit in force, then of the other.
        """
        before = self._conflicts.get(queue, ())
        now = tuple(map(str, conflict))
        if now == before:
            return
        self._conflicts[queue] = now
        if not now:
            logger.info("All instances have the same rate limit again", extra=fields(queue=queue))
            return
        most, duration, instance, other_most, other_duration, other = now
        logger.warning(
            "Instances have different rate limits, the newest configuration is in force",
            extra=fields(
                queue=queue,
                inForce=_shown(most, duration),
                instance=instance,
                other=_shown(other_most, other_duration),
                otherInstance=other,
                ours=str(ours) if ours else "none",
            ),
        )


def _shown(most: str, duration_ms: str) -> str:
    return str(RateLimit(int(most), int(duration_ms) / 1000)) if int(most) else "none"
