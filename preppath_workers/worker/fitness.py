"""Whether a Redis server is fit to hold the queues."""

from __future__ import annotations

import logging
import sys
from typing import Any

import redis
from redis.exceptions import AuthenticationError, NoPermissionError

from ..config.load import EX_CONFIG
from ..log import fields

logger = logging.getLogger(__name__)


def refuse_unfit_server(client: redis.Redis) -> None:
    """Ends the process with EX_CONFIG when the server would lose jobs, or refuses us.

    A server that evicts keys throws jobs away when its memory is full.
    """
    try:
        memory: dict[str, Any] = client.info("memory")
    except (AuthenticationError, NoPermissionError) as error:
        logger.critical(
            "Redis refuses us: check REDIS_URL and the rights of its user", extra=fields(error=str(error))
        )
        sys.exit(EX_CONFIG)
    policy = memory.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        logger.critical(
            f"Redis has maxmemory-policy {policy}: it would throw jobs away. Set it to noeviction.",
            extra=fields(policy=policy),
        )
        sys.exit(EX_CONFIG)
