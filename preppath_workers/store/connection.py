"""Connections to Redis: clients for producers and readers, and one kind for consumers.

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
from hiredis import HiredisError, Reader
from redis.backoff import NoBackoff
from redis.connection import ConnectionInterface, parse_url
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from .refusals import is_wrong_server

#: Seconds to wait for a connection.
CONNECT_TIMEOUT = 3.0

#: Any client may push bytes that aren't UTF-8: each is read as a surrogate.
ENCODING_ERRORS = "surrogateescape"

#: What reading may raise if an answer isn't valid in this version of Redis's protocol.
UNREADABLE = (InvalidResponse, HiredisError, MemoryError, RecursionError, TypeError, ValueError)

_COMMON = {
    "decode_responses": True,
    "encoding_errors": ENCODING_ERRORS,
    "protocol": 2,
    # No CLIENT SETINFO: the ACL in systemd/README.md cannot allow it before Redis 7.2.
    "driver_info": None,
}


class _LeavesWrongServer:
    """Closes the connection if the server answers that it cannot be written to. redis-py keeps it after an
    error answer, so behind a virtual address or a proxy it would stay connected to a demoted server."""

    def read_response(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().read_response(*args, **kwargs)  # type: ignore[misc] # mixed into Connection
        except UNREADABLE as error:  # a proxy's page, say
            self.disconnect()  # type: ignore[attr-defined]
            raise RedisConnectionError(f"the answer is not Redis's protocol: {error}") from error
        except RedisError as error:
            if is_wrong_server(error):
                self.disconnect()  # type: ignore[attr-defined]
            raise


class _Tcp(_LeavesWrongServer, redis.Connection):
    pass


class _Tls(_LeavesWrongServer, redis.SSLConnection):
    pass


class _Unix(_LeavesWrongServer, redis.UnixDomainSocketConnection):
    pass


_BY_SCHEME: dict[str, type[Any]] = {"redis": _Tcp, "rediss": _Tls, "unix": _Unix}


def client(url: str, timeout: float = 5.0) -> redis.Redis:
    """Return a client for producers and readers: `timeout` seconds a command. It sends a command again after
    a lost connection, which is safe since all scripts are idempotent."""
    return _client(url, socket_timeout=timeout, socket_connect_timeout=CONNECT_TIMEOUT)


def client_without_retries(url: str, timeout: float) -> redis.Redis:
    """Return a client whose commands answer or fail within `timeout` seconds."""
    return _client(url, socket_timeout=timeout, socket_connect_timeout=timeout, retry=Retry(NoBackoff(), 0))


def _client(url: str, **options: Any) -> redis.Redis:
    kind = _BY_SCHEME[url.partition("://")[0].lower()]
    return redis.Redis.from_url(url, connection_class=kind, **options, **_COMMON)


def open_for_consumer(url: str, timeout: float) -> ConnectionInterface:
    """Return a connection below redis-py's client: it never sends a command again."""
    # Without a pool and a Retry: a worker needs neither, and each costs it memory that processes don't share.
    known = dict(parse_url(url))
    make: type[redis.Connection] = known.pop("connection_class", redis.Connection)
    return make(**known, socket_timeout=timeout, socket_connect_timeout=CONNECT_TIMEOUT, **_COMMON)


#: Size of the receive buffer (bytes): most answers are far smaller, and each worker has its own.
_RECEIVED_AT_ONCE = 2**14


class Connection:
    """A connection to the server of a URL: `timeout` seconds for any answer, which must be longer than a pop
    may block. Errors are raised as redis.RedisError; after one the caller has to call `disconnect`."""

    def __init__(self, url: str, timeout: float) -> None:
        self._timeout = timeout
        # Any: redis-py's types don't have its socket.
        self._connection: Any = open_for_consumer(url, timeout)
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
            raise answer
        return answer

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
