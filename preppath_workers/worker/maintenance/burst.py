"""Ends workers that run until no job is left."""

from __future__ import annotations

from redis.exceptions import RedisError

from ...config.model import Config
from ...queue import Queue
from ...store.connections.clients import Clients
from . import webhooks

#: Delayed jobs that are due within this time are waited for, such as retries (ms).
_SOON = 60_000


class Burst:
    """Tells whether the queues are empty."""

    def __init__(self, config: Config, clients: Clients) -> None:
        self._queues = [
            Queue(queue.name, clients.of(queue.name), config.redis.prefix) for queue in config.queues
        ]
        self._webhook_url = config.webhook.url

    def is_over(self) -> bool:
        """Return whether no job waits, runs or is due soon. False if Redis doesn't answer."""
        try:
            return not any(map(self._has_work, self._queues))
        except RedisError:
            return False

    def _has_work(self, queue: Queue) -> bool:
        counts = queue.counts()
        if counts.waiting or counts.active:
            return True
        if webhooks.wants_events(queue.name, self._webhook_url) and queue.redis.llen(queue.keys.events):
            return True
        first = queue.redis.zrange(queue.keys.delayed, 0, 0, withscores=True)
        return bool(first) and float(first[0][1]) < queue.now() + _SOON
