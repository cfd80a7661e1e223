"""The rate limit that is in force on all machines, and whether some instance is configured with another."""

from __future__ import annotations

from dataclasses import dataclass

from ...config.model import RateLimit
from ..values import integer, text
from .reader import QueueReader


@dataclass(frozen=True)
class InstanceLimit:
    """What an instance is configured with; None for no limit."""

    limit: RateLimit | None
    instance: str

    def __str__(self) -> str:
        return str(self.limit) if self.limit else "none"


@dataclass(frozen=True)
class LimitInForce:
    """The limit of the newest configuration, and an older instance's that differs, if there is one."""

    newest: InstanceLimit
    other: InstanceLimit | None = None


def limit_in_force(queue: QueueReader) -> LimitInForce | None:
    """Look up what the instances agreed on; None if no instance has stored its limit lately."""
    known = {text(name): text(value) for name, value in queue.redis.hgetall(queue.keys.limit).items()}
    now = queue.now()
    if (integer(known.get("until")) or 0) <= now:
        return None
    newest = _instance_limit(known.get("max"), known.get("duration"), known.get("instance"))
    if (integer(known.get("otherUntil")) or 0) <= now:
        return LimitInForce(newest)
    other = _instance_limit(known.get("otherMax"), known.get("otherDuration"), known.get("otherInstance"))
    return LimitInForce(newest, other)


def _instance_limit(most: str | None, duration_ms: str | None, instance: str | None) -> InstanceLimit:
    number = integer(most) or 0
    limit = RateLimit(number, (integer(duration_ms) or 0) / 1000) if number else None
    return InstanceLimit(limit, instance or "")
