"""Whether a Redis server is fit for queues."""

from __future__ import annotations

import logging
import sys
from typing import Any

import redis
from redis.exceptions import AuthenticationError, NoPermissionError

from ...config.load import EX_CONFIG
from ...log import fields

logger = logging.getLogger(__name__)


def refuse_unfit_server(client: redis.Redis) -> None:
    """Exit with EX_CONFIG if the server may evict keys, and so lose jobs, or rejects the credentials."""
    try:
        memory: dict[str, Any] = client.info("memory")
    except (AuthenticationError, NoPermissionError) as error:
        logger.critical(
            "Redis rejects the credentials: check REDIS_URL and the permissions of its user",
            extra=fields(error=str(error)),
        )
        sys.exit(EX_CONFIG)
    policy = memory.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        logger.critical(
            f"Redis may evict jobs: maxmemory-policy is {policy}, set it to noeviction",
            extra=fields(policy=policy),
        )
        sys.exit(EX_CONFIG)
