"""Connections to Redis: clients for producers and commands, and one kind for consumers.

Each finds its server again whenever it connects: by a name in DNS, by asking sentinels for the primary, or a
Cluster for the node that has the queue. `base` is what the queue's keys begin with; only a Cluster needs it.

redis-py's client sends a command again if its answer is lost, and a repeated BRPOPLPUSH moves a second job.
So a consumer's connection is opened by redis-py and then used directly.
"""

from __future__ import annotations

from typing import Any

from redis.backoff import NoBackoff
from redis.client import Redis
from redis.connection import ConnectionInterface, ConnectionPool, parse_url
from redis.retry import Retry

from ...config.redis_url import split_url
from .cluster import ClusterLocator
from .connection_classes import CONNECTION_CLASSES
from .failover_retry import FailoverRetry
from .locator import Locator
from .sentinel import SentinelLocator

#: Seconds to wait for a connection, and for the answer to one command.
CONNECT_TIMEOUT, ANSWER_TIMEOUT = 3.0, 5.0

#: Any client may push bytes that aren't UTF-8: each is read as a surrogate.
ENCODING_ERRORS = "surrogateescape"

#: Connections of a client. redis-py 8 would refuse the 101st, but each thread that waits for a job needs one.
_MOST_CONNECTIONS = 10_000

_COMMON = {
    "decode_responses": True,
    "encoding_errors": ENCODING_ERRORS,
    "protocol": 2,
    # No CLIENT SETINFO: the ACL in systemd/README.md cannot allow it before Redis 7.2.
    "driver_info": None,
}


def producer_client(url: str, base: str = "") -> Redis:
    """Return a client that sends a command again for some seconds if it fails, since the server may be
    restarting, or a failover be under way. That is safe: all scripts are idempotent.
    """
    return _client(url, base, FailoverRetry(), ANSWER_TIMEOUT)


def client(url: str, timeout: float = ANSWER_TIMEOUT, base: str = "") -> Redis:
    """Return a client for a person who waits for the answer: `timeout` seconds for each.

    With sentinels or a Cluster it tries again as a producer's does. With one server it fails at once: the
    address may be wrong.
    """
    retry = FailoverRetry() if split_url(url).topology != "server" else None
    return _client(url, base, retry, timeout)


def client_without_retries(url: str, timeout: float, base: str = "") -> Redis:
    """Return a client whose commands answer or fail within `timeout` seconds."""
    return _client(url, base, Retry(NoBackoff(), 0), timeout, timeout)


def _client(
    url: str, base: str, retry: Retry | None, timeout: float, connect_timeout: float = CONNECT_TIMEOUT
) -> Redis:
    scheme, settings = server_settings(url, base, timeout, connect_timeout)
    kind = CONNECTION_CLASSES[scheme]
    pool = ConnectionPool(kind, max_connections=_MOST_CONNECTIONS, retry=retry, **settings)
    return Redis.from_pool(pool)


def open_for_consumer(url: str, timeout: float, base: str = "") -> ConnectionInterface:
    """Return a connection below redis-py's client: it never sends a command again."""
    # Without a pool and a Retry: a worker needs neither, and each costs it memory that processes don't share.
    scheme, settings = server_settings(url, base, timeout)
    opened: ConnectionInterface = CONNECTION_CLASSES[scheme](**settings)
    return opened


def server_settings(
    url: str, base: str, timeout: float, connect_timeout: float = CONNECT_TIMEOUT
) -> tuple[str, dict[str, Any]]:
    """Return the scheme of the server with the queue, and the arguments of connections to it."""
    known = split_url(url)
    settings: dict[str, Any] = {**parse_url(known.server)}
    locator: Locator | None = None
    if known.topology == "sentinel":
        locator = SentinelLocator(known)
    elif known.topology == "cluster":
        locator = ClusterLocator(known.hosts, dict(settings), base)
    settings.pop("connection_class", None)
    if locator:
        settings["locator"] = locator
    settings |= {**_COMMON, "socket_timeout": timeout, "socket_connect_timeout": connect_timeout}
    return known.server.partition("://")[0].lower(), settings
