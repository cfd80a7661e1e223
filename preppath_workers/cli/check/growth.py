"""Check what can grow without bound: dead letters, undelivered events, and leftovers of ended instances."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...queue import Queue
from ...queue.formatting import counted, span
from .findings import Finding

#: Larger numbers are reported.
_MANY_DEAD, _MANY_EVENTS = 1_000, 1_000

#: Ms after the end of an instance's lease: by then any live instance would have recovered its jobs.
_LONG_GONE = 3_600_000


def check_growth(queue: Queue) -> Iterator[Finding]:
    """Yield what has grown too large, with the command that reduces it; drop nothing. Raises RedisError."""
    what = f"{queue.name} data"
    dead = queue.redis.llen(queue.keys.dead)
    if dead > _MANY_DEAD:
        advice = f"`dead list {queue.name}`, then `dead replay` or `dead purge {queue.name} --older-than 30d`"
        yield Finding("warning", what, f"{dead:,} jobs in the dead-letter list, which is unbounded: {advice}")
    events = queue.redis.llen(queue.keys.events)
    if events > _MANY_EVENTS:
        advice = "run an instance of this queue with WEBHOOK_URL"
        yield Finding("warning", what, f"{events:,} events have no webhook delivery yet: {advice}")
    now = queue.now()
    gone: list[Any] = queue.redis.zrangebyscore(
        queue.keys.instances, "-inf", now - _LONG_GONE, withscores=True
    )
    if gone:
        since = span(now - min(float(lease) for _, lease in gone))
        detail = f"{counted(len(gone), 'instance')} not recovered, gone for up to {since}"
        yield Finding("warning", what, f"{detail}: start workers of this queue")
