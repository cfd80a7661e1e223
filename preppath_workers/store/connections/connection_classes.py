"""redis-py's connections, extended: they find their server at each connect, and leave a demoted one."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from redis.connection import Connection, UnixDomainSocketConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse, RedisError

from ..refusals import code_of, is_wrong_server, redirection
from .locator import Locator, greet
from .tls_connection import TlsConnection

if TYPE_CHECKING:  # what the mixins are mixed into
    from redis.connection import AbstractConnection as _AnyConnection
    from redis.connection import Connection as _NetworkConnection
else:
    _AnyConnection = _NetworkConnection = object

#: What reading may raise if an answer isn't valid in this version of Redis's protocol.
UNREADABLE: tuple[type[Exception], ...]
UNREADABLE = (InvalidResponse, MemoryError, RecursionError, TypeError, ValueError)
with suppress(ImportError):  # producers may do without it
    from hiredis import HiredisError

    UNREADABLE += (HiredisError,)


class _LeavesWrongServer(_AnyConnection):
    """Closes the connection if the server answers that it cannot be written to. redis-py keeps it after an
    error answer, so behind a virtual address or a proxy it would stay connected to a demoted server."""

    locator: Locator | None = None

    def read_response(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().read_response(*args, **kwargs)
        except UNREADABLE as error:  # a proxy's page, say
            self.disconnect()
            raise RedisConnectionError(f"the answer is not Redis's protocol: {error}") from error
        except RedisError as error:
            if is_wrong_server(error):
                self.disconnect()
            if self.locator and (address := redirection(error)):
                self.locator.redirect(address)
            raise

    def can_read(self, timeout: float = 0) -> bool:
        """Return whether there is data before a command was sent. Raises what a server says that refuses the
        connection, of which redis-py would say "Connection not ready"."""
        if not super().can_read(timeout):
            return False
        try:
            self.read_response()
        except RedisError as error:
            if isinstance(error, RedisConnectionError) or code_of(error) == "DENIED":
                raise
        return True


class _Located(_NetworkConnection):
    """Asks the locator, if there is one, for the address of each new connection."""

    def __init__(self, *args: Any, locator: Locator | None = None, **kwargs: Any) -> None:
        if locator:
            kwargs["redis_connect_func"] = greet
        super().__init__(*args, **kwargs)
        self.locator = locator

    def _connect(self) -> socket.socket:
        if self.locator:
            self.host, self.port = self.locator.locate()
        connected: socket.socket = super()._connect()
        return connected


class _Tcp(_Located, _LeavesWrongServer, Connection):
    pass


class _Tls(_Located, _LeavesWrongServer, TlsConnection):
    pass


class _Unix(_LeavesWrongServer, UnixDomainSocketConnection):
    pass


#: By the scheme of a URL of one server.
CONNECTION_CLASSES: Mapping[str, type[Any]] = {"redis": _Tcp, "rediss": _Tls, "unix": _Unix}
