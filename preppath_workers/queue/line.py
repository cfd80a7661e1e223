"""The connection of one slot: redis-py opens it, and from then on nothing is between us and the socket.

Redis-py's client would send a command again by itself when an answer is lost, and a BRPOPLPUSH that is sent
again moves a second job. Its layers for sending and reading cost 4 of the 17 µs of a round trip, too.
"""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hiredis import Reader
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from .connections import ENCODING_ERRORS, UNREADABLE, consumer

#: Bytes. Most answers are far smaller, and each child has these for itself.
_RECEIVED_AT_ONCE = 2**14


class Line:
    """To the server of a URL: `timeout` seconds for any answer, which must be above the time that a pop may
    block. What goes wrong is raised as a redis.RedisError, and `disconnect` is all there is to do then."""

    def __init__(self, url: str, timeout: float) -> None:
        self._timeout = timeout
        # Any, for its socket is nothing that redis-py shows.
        self._connection: Any = consumer(url, timeout)
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
    def minding_signals(self) -> Iterator[None]:
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
