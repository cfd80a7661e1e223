"""redis-py's connections, extended: they find their server at each connect, and leave a demoted one."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any

import redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse, RedisError

from ..refusals import is_wrong_server, redirection
from .locator import Locator, greet

try:
    from hiredis import HiredisError
except ImportError:  # producers may do without it
    HiredisError = InvalidResponse  # type: ignore[assignment,misc] # absent

#: What reading may raise if an answer isn't valid in this version of Redis's protocol.
UNREADABLE = (InvalidResponse, HiredisError, MemoryError, RecursionError, TypeError, ValueError)


class _LeavesWrongServer:
    """Closes the connection if the server answers that it cannot be written to. redis-py keeps it after an
    error answer, so behind a virtual address or a proxy it would stay connected to a demoted server."""

    locator: Locator | None = None

    def read_response(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().read_response(*args, **kwargs)  # type: ignore[misc] # mixed into Connection
        except UNREADABLE as error:  # a proxy's page, say
            self.disconnect()  # type: ignore[attr-defined] # mixed into Connection
            raise RedisConnectionError(f"the answer is not Redis's protocol: {error}") from error
        except RedisError as error:
            if is_wrong_server(error):
                self.disconnect()  # type: ignore[attr-defined] # mixed into Connection
            if self.locator and (address := redirection(error)):
                self.locator.redirect(address)
            raise


class _Located:
    """Asks the locator, if there is one, for the address of each new connection."""

    def __init__(self, *args: Any, locator: Locator | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **({"redis_connect_func": greet} if locator else {}), **kwargs)
        self.locator = locator

    def _connect(self) -> socket.socket:
        if self.locator:
            self.host, self.port = self.locator.locate()
        connected: socket.socket = super()._connect()  # type: ignore[misc] # mixed into Connection
        return connected


class _Tcp(_Located, _LeavesWrongServer, redis.Connection):
    pass


class _Tls(_Located, _LeavesWrongServer, redis.SSLConnection):
    pass


class _Unix(_LeavesWrongServer, redis.UnixDomainSocketConnection):
    pass


#: By the scheme of a URL of one server.
CONNECTION_CLASSES: Mapping[str, type[Any]] = {"redis": _Tcp, "rediss": _Tls, "unix": _Unix}
