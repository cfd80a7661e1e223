"""Looks at what has no bound of its own: dead letters, events to be delivered, and what instances left behind
on a queue that is not worked any more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...queue import Queue
from ..formatting import counted, span
from .findings import Finding

#: More than these are told.
_MANY_DEAD, _MANY_EVENTS = 1_000, 1_000

#: Ms since an instance's lease ended: by then another instance of its queue would have recovered its jobs.
_LONG_GONE = 3_600_000


def check_growth(queue: Queue) -> Iterator[Finding]:
    """Tell what grows. Nothing is dropped: each finding names the command that does it. Raises RedisError."""
    what = f"{queue.name} data"
    dead = queue.redis.llen(queue.keys.dead)
    if dead > _MANY_DEAD:
        advice = f"`dead list {queue.name}`, then `dead replay` or `dead purge {queue.name} --older-than 30d`"
        yield Finding("warning", what, f"{dead:,} jobs in the dead-letter list, which has no bound: {advice}")
    events = queue.redis.llen(queue.keys.events)
    if events > _MANY_EVENTS:
        advice = "an instance with WEBHOOK_URL must work this queue"
        yield Finding("warning", what, f"{events:,} events of ended jobs are not forwarded: {advice}")
    now = queue.now()
    gone: list[Any] = queue.redis.zrangebyscore(
        queue.keys.instances, "-inf", now - _LONG_GONE, withscores=True
    )
    if gone:
        since = span(now - min(float(lease) for _, lease in gone))
        told = f"{counted(len(gone), 'instance')} not recovered, gone for up to {since}"
        yield Finding("warning", what, f"{told}: start workers of this queue")
