"""Whether this version can work the queues of a Redis server."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from typing import Any

import redis
from redis.exceptions import AuthenticationError, NoPermissionError, ResponseError

from ..config.load import EX_CONFIG
from ..log import fields
from ..store.job import integer, text
from ..store.keys import LAYOUT, Keys

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


def refuse_newer_layout(client: redis.Redis, queues: Iterable[Keys]) -> None:
    """End the process with EX_CONFIG if a newer version has written one of the queues: this one would misread
    its data. Raises redis.RedisError."""
    for keys in queues:
        layout = _layout(client, keys)
        if layout > LAYOUT:
            logger.critical(
                f"queue {keys.queue} has layout {layout}, this version knows {LAYOUT}: "
                "update preppath-workers",
                extra=fields(queue=keys.queue, layout=layout),
            )
            sys.exit(EX_CONFIG)


def _layout(client: redis.Redis, keys: Keys) -> int:
    """Return the queue's layout; LAYOUT if none is stored or the key was edited by hand."""
    try:
        stored = client.hget(keys.meta, "layout")
    except NoPermissionError:
        raise
    except ResponseError:
        return LAYOUT
    return (integer(text(stored)) if stored else None) or LAYOUT
