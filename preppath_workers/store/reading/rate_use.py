"""How much of a queue's rate limit is used up, and when the next job may start."""

from __future__ import annotations

from dataclasses import dataclass

from ...config.model import RateLimit
from .reader import QueueReader


@dataclass(frozen=True)
class RateUse:
    """The starts within the limit's duration, and the time until the limit allows the next one, ms."""

    limit: RateLimit
    used: int
    next_ms: int


def rate_use(queue: QueueReader, limit: RateLimit) -> RateUse:
    """Return the use of the limit that is in force."""
    now, duration = queue.now(), round(limit.duration * 1000)
    since = f"({now - duration}"
    used = int(queue.redis.zcount(queue.keys.tokens, since, "+inf"))
    if used < limit.max:
        return RateUse(limit, used, 0)
    # Tokens come back in the order of their starts. A start in the future was stored before the server's
    # clock was set back.
    entries = queue.redis.zrangebyscore(
        queue.keys.tokens, since, "+inf", start=used - limit.max, num=1, withscores=True
    )
    start = min(now, int(entries[0][1])) if entries else now - duration
    return RateUse(limit, used, start + duration - now)
