"""Ends workers that run until no job is left."""

from __future__ import annotations

import logging

from redis.exceptions import RedisError

from ...config.model import Config
from ...log import fields
from ...queue import Queue
from ...store.connections.clients import Clients
from . import webhooks

logger = logging.getLogger(__name__)

#: Delayed jobs that are due within this time are waited for, such as retries (ms).
_SOON = 60_000


class Burst:
    """Tells whether the queues are empty."""

    def __init__(self, config: Config, clients: Clients) -> None:
        self._queues = [
            Queue(queue.name, clients.of(queue.name), config.redis.prefix) for queue in config.queues
        ]
        self._webhook_url = config.webhook.url
        self._logged: set[str] = set()

    def is_over(self) -> bool:
        """Return whether no job waits, runs or is due soon. False if Redis doesn't answer."""
        try:
            busy = [queue for queue in self._queues if self._has_work(queue)]
            for queue in busy:
                self._log_if_paused(queue)
        except RedisError:
            return False
        return not busy

    def _log_if_paused(self, queue: Queue) -> None:
        if queue.name not in self._logged and queue.gate().paused:
            self._logged.add(queue.name)
            logger.warning("Waiting for jobs of paused queue", extra=fields(queue=queue.name))

    def _has_work(self, queue: Queue) -> bool:
        counts = queue.counts()
        if counts.waiting or counts.active:
            return True
        if webhooks.wants_events(queue.name, self._webhook_url) and queue.redis.llen(queue.keys.events):
            return True
        first = queue.redis.zrange(queue.keys.delayed, 0, 0, withscores=True)
        return bool(first) and float(first[0][1]) < queue.now() + _SOON
