"""How we connect to Redis: one way for producers and onlookers, one for the slot that consumes."""

from __future__ import annotations

import redis
from redis.backoff import NoBackoff
from redis.connection import ConnectionInterface, parse_url
from redis.driver_info import DriverInfo
from redis.retry import Retry

#: Seconds to wait for a connection.
CONNECT_TIMEOUT = 3.0

#: Any client may push what is no UTF-8: it can be read this way, with a stand-in for each odd byte.
ENCODING_ERRORS = "surrogateescape"

_COMMON = {
    "decode_responses": True,
    "encoding_errors": ENCODING_ERRORS,
    "protocol": 2,
    # redis-py would look its version up in its package's metadata for each connection: 2 MiB of memory that
    # a child shares no more with its parent.
    "driver_info": DriverInfo(lib_version=redis.__version__),
}


def client(url: str, timeout: float = 5.0) -> redis.Redis:
    """A client for producers and onlookers: `timeout` seconds a command. redis-py sends a command again after
    a lost connection; all our transitions bear that."""
    return redis.Redis.from_url(
        url, socket_timeout=timeout, socket_connect_timeout=CONNECT_TIMEOUT, **_COMMON
    )


def client_without_retries(url: str, timeout: float) -> redis.Redis:
    """A client whose every command ends within `timeout` seconds, one way or the other."""
    return redis.Redis.from_url(
        url, socket_timeout=timeout, socket_connect_timeout=timeout, retry=Retry(NoBackoff(), 0), **_COMMON
    )


def consumer(url: str, timeout: float) -> ConnectionInterface:
    """One connection below redis-py's client, for one slot: nothing is ever sent twice."""
    # Without a pool, which is of no use and would cost each child half a MiB that it shares with nobody. And
    # without a Retry, of which each connection makes a copy, a fifth of a MiB: none tries again by itself.
    known = dict(parse_url(url))
    make: type[redis.Connection] = known.pop("connection_class", redis.Connection)
    return make(**known, socket_timeout=timeout, socket_connect_timeout=CONNECT_TIMEOUT, **_COMMON)
