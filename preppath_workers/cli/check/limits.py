"""Compare the configured rate limits with those in force."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from redis.exceptions import RedisError

from ...config.model import QueueConfig, RedisConfig
from ...queue import Queue
from ...store.connections.clients import Clients
from ...store.reading.limits import limit_in_force
from .findings import Finding


def check_limits(redis: RedisConfig, queues: Sequence[QueueConfig]) -> Iterator[Finding]:
    """Yield whether each queue's rate limit is the same on all instances and in this configuration."""
    clients = Clients.patient(redis)
    for settings in queues:
        what = f"{settings.name} rate limit"
        try:
            agreed = limit_in_force(Queue(settings.name, clients.of(settings.name), redis.prefix))
        except RedisError as error:
            yield Finding("error", what, f"cannot be read: {error}")
            continue
        ours = str(settings.rate_limit) if settings.rate_limit else "none"
        if agreed is None:
            yield Finding("ok", what, f"{ours} is configured here, no instance is running")
        elif agreed.other:
            yield Finding(
                "error",
                what,
                f"instances differ: {agreed.newest} ({agreed.newest.instance}) is in force, "
                f"{agreed.other.instance} is configured with {agreed.other}",
            )
        elif str(agreed.newest) != ours:
            yield Finding(
                "warning",
                what,
                f"{agreed.newest} is in force ({agreed.newest.instance}), {ours} is configured here",
            )
        else:
            yield Finding("ok", what, f"{ours} on all machines")
    clients.close()
