"""Connections to Redis: one kind for producers and onlookers, one for the consumer.

redis-py's client would send a command again by itself when an answer is lost, and a BRPOPLPUSH that is sent
again moves a second job. So a consumer's connection is opened by redis-py and then used directly.
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

#: Any client may push what is no UTF-8: it can be read this way, with a stand-in for each odd byte.
ENCODING_ERRORS = "surrogateescape"

#: What reading an answer may raise that is not Redis's protocol, or holds what the protocol's version cannot.
UNREADABLE = (InvalidResponse, HiredisError, MemoryError, RecursionError, TypeError, ValueError)

_COMMON = {
    "decode_responses": True,
    "encoding_errors": ENCODING_ERRORS,
    "protocol": 2,
    # No CLIENT SETINFO: the ACL in systemd/README.md cannot allow it before Redis 7.2.
    "driver_info": None,
}


class _LeavesWrongServer:
    """Closes the connection when the server says that it is not the one to write to. redis-py keeps it after
    an error answer: behind a virtual address or a proxy it would stay with a demoted server for ever."""

    def read_response(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().read_response(*args, **kwargs)  # type: ignore[misc] # it is mixed into a Connection
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
    """A client for producers and onlookers: `timeout` seconds a command. redis-py sends a command again after
    a lost connection; all our transitions bear that."""
    return _client(url, socket_timeout=timeout, socket_connect_timeout=CONNECT_TIMEOUT)


def client_without_retries(url: str, timeout: float) -> redis.Redis:
    """A client whose every command ends within `timeout` seconds, one way or the other."""
    return _client(url, socket_timeout=timeout, socket_connect_timeout=timeout, retry=Retry(NoBackoff(), 0))


def _client(url: str, **options: Any) -> redis.Redis:
    kind = _BY_SCHEME[url.partition("://")[0].lower()]
    return redis.Redis.from_url(url, connection_class=kind, **options, **_COMMON)


def open_for_consumer(url: str, timeout: float) -> ConnectionInterface:
    """One connection below redis-py's client, for one slot: nothing is ever sent twice."""
    # Without a pool, which is of no use and would cost each child half a MiB that it shares with nobody. And
    # without a Retry, of which each connection makes a copy, a fifth of a MiB: none tries again by itself.
    known = dict(parse_url(url))
    make: type[redis.Connection] = known.pop("connection_class", redis.Connection)
    return make(**known, socket_timeout=timeout, socket_connect_timeout=CONNECT_TIMEOUT, **_COMMON)


#: Bytes. Most answers are far smaller, and each child has these for itself.
_RECEIVED_AT_ONCE = 2**14


class Connection:
    """To the server of a URL: `timeout` seconds for any answer, which must be above the time that a pop may
    block. What goes wrong is raised as a redis.RedisError, and `disconnect` is all there is to do then."""

    def __init__(self, url: str, timeout: float) -> None:
        self._timeout = timeout
        # Any, for its socket is nothing that redis-py shows.
        self._connection: Any = open_for_consumer(url, timeout)
        self._python_keeps_time = False
        # Used again and again: one made anew for each answer, and given back, was 6 of the 152 thousand
        # instructions of a job without work.
        self._buffer = bytearray(_RECEIVED_AT_ONCE)

    def connect(self) -> None:
        """Opens the connection, logs in, and takes the URL's database."""
        self._connection.connect()
        self._socket: socket.socket = self._connection._sock
        try:
            for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):  # socket(7): a struct timeval
                timeval = struct.pack("ll", int(self._timeout), round(self._timeout % 1 * 1e6))
                self._socket.setsockopt(socket.SOL_SOCKET, option, timeval)
            self._choose_timekeeper()
        except OSError as error:
            raise RedisConnectionError(f"the connection is lost: {error}") from error
        # Any, for its types forget that it reads from buffers.
        self._reader: Any = Reader(encoding="utf-8", errors=ENCODING_ERRORS, replyError=ResponseError)

    def disconnect(self) -> None:
        self._connection.disconnect()

    def send(self, packed: bytes) -> None:
        """Sends commands as hiredis packs them."""
        try:
            self._socket.sendall(packed)
        except (TimeoutError, BlockingIOError) as error:
            raise RedisTimeoutError("the server takes nothing") from error
        except OSError as error:
            raise RedisConnectionError(f"the connection is lost: {error}") from error

    def receive(self) -> Any:
        """The next answer. Raises what the server answers as an error, too."""
        try:
            while (answer := self._reader.gets()) is False:  # there is no such value in this protocol
                self._read_more()
        except UNREADABLE as error:
            # A proxy's page, or what a broken server sends: nothing that follows it can be trusted.
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
        """Inside the block the time for an answer is over when it is, whatever signals come meanwhile."""
        self._python_keeps_time = True
        self._choose_timekeeper()
        try:
            yield
        finally:
            self._python_keeps_time = False
            self._choose_timekeeper()

    def _choose_timekeeper(self) -> None:
        """Python's own timeout needs one more system call for each send and each receive: 6 of the 80 µs that
        a job without work costs its worker. The kernel's costs nothing, but begins anew with each signal."""
        if self._connection.is_connected and not isinstance(self._socket, ssl.SSLSocket):
            self._socket.settimeout(self._timeout if self._python_keeps_time else None)
