"""The connection of a consumer: opened by redis-py, then used directly, with hiredis."""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hiredis import Reader, pack_command
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from ...config.durability import Durability, Shortfall
from ..connections.connection import ENCODING_ERRORS, open_for_consumer
from ..connections.connection_classes import UNREADABLE
from ..refusals import is_wrong_server, redirection

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
        """Close the connection. The next `connect` opens a new one."""
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
