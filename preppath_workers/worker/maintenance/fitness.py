"""Whether a Redis server is fit for queues."""

from __future__ import annotations

import logging
import sys
import time
from typing import Any

import redis
from redis.exceptions import AuthenticationError, NoPermissionError

from ...config.load import EX_CONFIG
from ...log import fields
from ...store.refusals import eviction

logger = logging.getLogger(__name__)


def refuse_unfit_server(client: redis.Redis) -> None:
    """Exit with EX_CONFIG if the server may evict keys, and so lose jobs, or rejects the credentials."""
    try:
        policy = _policy(client)
    except (AuthenticationError, NoPermissionError) as error:
        logger.critical(
            "Redis rejects the credentials: check REDIS_URL and the permissions of its user",
            extra=fields(error=str(error)),
        )
        sys.exit(EX_CONFIG)
    if problem := eviction(policy):
        logger.critical(problem, extra=fields(policy=policy))
        sys.exit(EX_CONFIG)


class EvictionWatch:
    """Logs once if a server in use may evict keys from now on, and once when it no longer may.

    The setting may be changed, or a failover may lead to another server. The workers go on, because stopping
    them would save no job.
    """

    def __init__(self, client: redis.Redis, interval: float) -> None:
        """`interval`: seconds between two looks."""
        self._client = client
        self._interval = interval
        self._problem: str | None = None
        self._due = 0.0

    def look_if_due(self) -> None:
        """Look if it is time for it. Raises redis.RedisError."""
        if time.monotonic() < self._due:
            return
        problem = eviction(_policy(self._client))
        self._due = time.monotonic() + self._interval
        if problem == self._problem:
            return
        self._problem = problem
        if problem:
            logger.error(problem)
        else:
            logger.info("Redis does not evict any more")


def _policy(client: redis.Redis) -> str:
    memory: dict[str, Any] = client.info("memory")
    return str(memory.get("maxmemory_policy", ""))
