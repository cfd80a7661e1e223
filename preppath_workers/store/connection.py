"""Connections to Redis: clients for producers and readers, and one kind for consumers.

Each finds its server again whenever it connects: by a name in DNS, by asking sentinels for the primary, or a
Cluster for the node that has the queue. `base` is what the queue's keys begin with; only a Cluster needs it.

redis-py's client sends a command again if its answer is lost, and a repeated BRPOPLPUSH moves a second job.
So a consumer's connection is opened by redis-py and then used directly.
"""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis
from hiredis import Reader, pack_command
from redis.backoff import NoBackoff
from redis.connection import ConnectionInterface, ConnectionPool, parse_url
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from ..config.durability import Durability, Shortfall
from ..config.redis_url import split_url
from .cluster import ClusterLocator
from .connection_classes import CONNECTION_CLASSES, UNREADABLE
from .failover_retry import FailoverRetry
from .locator import Locator
from .refusals import is_wrong_server, redirection
from .sentinel import SentinelLocator

#: Seconds to wait for a connection.
CONNECT_TIMEOUT = 3.0

#: Any client may push bytes that aren't UTF-8: each is read as a surrogate.
ENCODING_ERRORS = "surrogateescape"

_COMMON = {
    "decode_responses": True,
    "encoding_errors": ENCODING_ERRORS,
    "protocol": 2,
    # No CLIENT SETINFO: the ACL in systemd/README.md cannot allow it before Redis 7.2.
    "driver_info": None,
}


def client(url: str, timeout: float = 5.0, base: str = "") -> redis.Redis:
    """Return a client for producers and readers: `timeout` seconds a command.

    With sentinels or a Cluster, a command that fails is sent again for some seconds, since a failover may be
    under way. That is safe: all scripts are idempotent.
    """
    retry = FailoverRetry() if split_url(url).topology != "server" else None
    return _client(url, base, socket_timeout=timeout, socket_connect_timeout=CONNECT_TIMEOUT, retry=retry)


def client_without_retries(url: str, timeout: float, base: str = "") -> redis.Redis:
    """Return a client whose commands answer or fail within `timeout` seconds."""
    once = Retry(NoBackoff(), 0)
    return _client(url, base, socket_timeout=timeout, socket_connect_timeout=timeout, retry=once)


def _client(url: str, base: str, **options: Any) -> redis.Redis:
    kind, settings = _settings(url, base)
    settings |= {**options, **_COMMON}
    return redis.Redis.from_pool(ConnectionPool(kind, **settings))


def open_for_consumer(url: str, timeout: float, base: str = "") -> ConnectionInterface:
    """Return a connection below redis-py's client: it never sends a command again."""
    # Without a pool and a Retry: a worker needs neither, and each costs it memory that processes don't share.
    kind, settings = _settings(url, base)
    opened: ConnectionInterface = kind(
        **settings, socket_timeout=timeout, socket_connect_timeout=CONNECT_TIMEOUT, **_COMMON
    )
    return opened


def _settings(url: str, base: str) -> tuple[type[Any], dict[str, Any]]:
    """Return the class of the connections to the server with the queue, and its arguments."""
    known = split_url(url)
    settings: dict[str, Any] = {**parse_url(known.server)}
    locator: Locator | None = None
    if known.topology == "sentinel":
        locator = SentinelLocator(known)
    elif known.topology == "cluster":
        locator = ClusterLocator(known.hosts, dict(settings), base)
    settings.pop("connection_class", None)
    if locator:
        settings |= {"locator": locator, "redis_connect_func": locator.greet}
    return CONNECTION_CLASSES[known.server.partition("://")[0].lower()], settings


#: Size of the receive buffer (bytes): most answers are far smaller, and each worker has its own.
_RECEIVED_AT_ONCE = 2**14


class Connection:
    """A connection to the server of a URL: `timeout` seconds for any answer, which must be longer than a pop
    may block. Errors are raised as redis.RedisError; after one the caller has to call `disconnect`."""

    def __init__(self, url: str, timeout: float, base: str = "") -> None:
        self._timeout = timeout
        # Any: redis-py's types don't have its socket.
        self._connection: Any = open_for_consumer(url, timeout, base)
        self._python_keeps_time = False
        # Reused, which is faster than allocating one for each answer.
        self._buffer = bytearray(_RECEIVED_AT_ONCE)

    def connect(self) -> None:
        """Open the connection, log in, and select the URL's database."""
        self._connection.connect()
        self._socket: socket.socket = self._connection._sock
        try:
            for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):  # socket(7): a struct timeval
                timeval = struct.pack("ll", int(self._timeout), round(self._timeout % 1 * 1e6))
                self._socket.setsockopt(socket.SOL_SOCKET, option, timeval)
            self._choose_timekeeper()
        except OSError as error:
            raise RedisConnectionError(f"the connection is lost: {error}") from error
        # Any: hiredis's types don't have `feed` with a buffer.
        self._reader: Any = Reader(encoding="utf-8", errors=ENCODING_ERRORS, replyError=ResponseError)

    def disconnect(self) -> None:
        self._connection.disconnect()

    def send(self, packed: bytes) -> None:
        """Send commands that hiredis has packed."""
        try:
            self._socket.sendall(packed)
        except (TimeoutError, BlockingIOError) as error:
            raise RedisTimeoutError("the server doesn't accept data") from error
        except OSError as error:
            raise RedisConnectionError(f"the connection is lost: {error}") from error

    def receive(self) -> Any:
        """Return the next answer. Raises redis.RedisError, also for an error answer."""
        try:
            while (answer := self._reader.gets()) is False:  # there is no such value in this protocol
                self._read_more()
        except UNREADABLE as error:
            # A proxy's page, or a broken server: the rest of the stream cannot be read either.
            raise RedisConnectionError(f"the answer is not Redis's protocol: {error}") from error
        if isinstance(answer, ResponseError):
            self._follow(answer)
            raise answer
        return answer

    def confirm(self, durability: Durability) -> Shortfall | None:
        """Wait until Redis confirms what this connection has written; return what is missing. Raises
        redis.RedisError."""
        self.send(pack_command(durability.command))
        try:
            answer = self.receive()
        except ResponseError as error:
            if is_wrong_server(error):
                raise
            answer = durability.nothing  # a server before 7.2 that is asked for its disk, say
        return durability.shortfall(answer)

    def _follow(self, error: ResponseError) -> None:
        """Let the next connect lead to the node that an error names."""
        if self._connection.locator and (address := redirection(error)):
            self._connection.locator.redirect(address)

    def _read_more(self) -> None:
        try:
            received = self._socket.recv_into(self._buffer)
        except (TimeoutError, BlockingIOError) as error:  # Python's timeout, the kernel's
            raise RedisTimeoutError("the server does not answer") from error
        except OSError as error:
            raise RedisConnectionError(f"the connection is lost: {error}") from error
        if not received:
            raise RedisConnectionError("the server has closed the connection")
        self._reader.feed(self._buffer, 0, received)

    @contextmanager
    def bounded_by_python(self) -> Iterator[None]:
        """Keep the timeout for an answer inside the block even if signals arrive in the meantime."""
        self._python_keeps_time = True
        self._choose_timekeeper()
        try:
            yield
        finally:
            self._python_keeps_time = False
            self._choose_timekeeper()

    def _choose_timekeeper(self) -> None:
        """Use the kernel's timeout if possible: it saves a system call for each send and receive, but starts
        again after each signal."""
        if self._connection.is_connected and not isinstance(self._socket, ssl.SSLSocket):
            self._socket.settimeout(self._timeout if self._python_keeps_time else None)
