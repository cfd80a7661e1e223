"""The client that a caller gives a queue, fit for one queue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, cast

from redis.client import Pipeline, Redis
from redis.connection import Connection, ConnectionPool, SSLConnection

from ...config.redis_url import Address
from .cluster import ClusterLocator
from .connection_classes import CONNECTION_CLASSES
from .failover_retry import FailoverRetry

if TYPE_CHECKING:
    from redis.cluster import RedisCluster

#: The settings of a RedisCluster that its nodes' connections share; those of TLS begin with `ssl_`.
_SHARED = frozenset(
    (
        *("username", "password", "credential_provider", "client_name", "driver_info"),
        *("decode_responses", "encoding", "encoding_errors", "protocol"),
        *("socket_timeout", "socket_connect_timeout", "socket_keepalive", "socket_keepalive_options"),
        "health_check_interval",
    )
)


def client_of_queue(given: Redis | RedisCluster, base: str) -> Redis:
    """Return a client for the queue whose keys begin with `base`: the given one, if it isn't a RedisCluster.

    For a RedisCluster, the client has the same settings and connects to the node that has the queue. A
    RedisCluster follows ASK: while the queue's slot is moved, it would run scripts on half of the keys.

    Raises TypeError for anything but a client, for one of asyncio, and for a pipeline.
    """
    execute = getattr(given, "execute_command", None)
    if not callable(execute) or iscoroutinefunction(execute) or isinstance(given, Pipeline):
        raise TypeError(f"redis must be a client of redis-py without asyncio, not {kind_of(given)}")
    if isinstance(given, Redis) or not _is_cluster(given):
        return cast("Redis", given)
    pool = given.get_redis_connection(given.get_default_node()).connection_pool
    is_tls = issubclass(pool.connection_class, SSLConnection)
    nodes = [(node.host, node.port) for node in given.get_nodes()]
    settings = located_settings(nodes, pool.connection_kwargs, is_tls, base)
    kind = CONNECTION_CLASSES["rediss" if is_tls else "redis"]
    return Redis.from_pool(ConnectionPool(kind, **settings, retry=FailoverRetry()))


def kind_of(given: object) -> str:
    """Return the full name of its class. A client's text may contain addresses and names of users."""
    return f"{type(given).__module__}.{type(given).__qualname__}"


def _is_cluster(given: object) -> bool:
    from redis.cluster import RedisCluster  # loads slowly, and most processes have none

    return isinstance(given, RedisCluster)


def located_settings(
    nodes: Iterable[Address], options: Mapping[str, Any], is_tls: bool, base: str
) -> dict[str, Any]:
    """Return the arguments of connections to the node that has the queue, from the `options` of connections
    to any node."""
    settings = {name: value for name, value in options.items() if name in _SHARED or name.startswith("ssl_")}
    kind = SSLConnection if is_tls else Connection
    return settings | {"locator": ClusterLocator(nodes, {**settings, "connection_class": kind}, base)}
