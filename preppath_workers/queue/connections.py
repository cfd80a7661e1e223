"""How we connect to Redis: one way for producers and onlookers, one for the slot that consumes."""

from __future__ import annotations

import socket
import struct
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.connection import ConnectionInterface
from redis.driver_info import DriverInfo
from redis.retry import Retry

#: Seconds to wait for a connection.
CONNECT_TIMEOUT = 3.0

_COMMON = {
    # Any client may push what is no UTF-8: it can be read this way, with a stand-in for each odd byte.
    "decode_responses": True,
    "encoding_errors": "surrogateescape",
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


class _KernelTimed(redis.Connection):
    """A TCP connection whose timeout the kernel keeps. Python's own needs one more system call for each send
    and each receive: 6 of the 80 µs that a job without work costs its worker."""

    def _connect(self) -> socket.socket:
        connected: socket.socket = super()._connect()  # type: ignore[no-untyped-call] # as all of redis-py
        seconds = connected.gettimeout() or 0.0
        connected.settimeout(None)
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):  # socket(7): a struct timeval, 0 is for ever
            timeval = struct.pack("ll", int(seconds), round(seconds % 1 * 1e6))
            connected.setsockopt(socket.SOL_SOCKET, option, timeval)
        return connected


_BY_SCHEME: dict[str, dict[str, Any]] = {
    "redis": {"socket_keepalive": True, "connection_class": _KernelTimed},
    "rediss": {"socket_keepalive": True},
}


def consumer(url: str, timeout: float) -> ConnectionInterface:
    """One connection for one slot, below redis-py's client: `timeout` seconds for an answer, which must be
    above the time its pop may block, and nothing is ever sent twice. A BRPOPLPUSH that redis-py sends again
    by itself moves a second job."""
    pool = redis.ConnectionPool.from_url(
        url,
        socket_timeout=timeout,
        socket_connect_timeout=CONNECT_TIMEOUT,
        **_BY_SCHEME.get(url.partition(":")[0], {}),
        retry=Retry(NoBackoff(), 0),
        **_COMMON,
    )
    return pool.make_connection()
