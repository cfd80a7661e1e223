"""Tells when instances are configured with different rate limits, and which one is in force."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from ..config.model import RateLimit
from ..log import fields

logger = logging.getLogger(__name__)


class RateLimits:
    """What the log was told of each queue's limits, for one janitor."""

    def __init__(self) -> None:
        self._disputes: dict[str, tuple[str, ...]] = {}

    def compare(self, queue: str, ours: RateLimit | None, dispute: Sequence[str]) -> None:
        """Log a dispute when it begins, changes or ends. `dispute` is empty, or maximum, duration (ms) and
        instance of the limit in force, and then of the other."""
        before = self._disputes.get(queue, ())
        now = tuple(map(str, dispute))
        if now == before:
            return
        self._disputes[queue] = now
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
