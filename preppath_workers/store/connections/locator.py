"""Finding the server to connect to: at each connect, since a failover may have happened meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Protocol

from redis.client import Redis
from redis.connection import ConnectionPool, SSLConnection
from redis.exceptions import NoPermissionError, ReadOnlyError

from ...config.redis_url import Address
from .tls_connection import TlsConnection

#: Seconds for a sentinel or node to say where the right server is: another one may be healthy.
_ANSWER_TIMEOUT = 1.0

#: Seconds for a new server to answer the login: one that is stopped or unreachable still accepts connections.
LOGIN_TIMEOUT = 3.0


class Locator(Protocol):
    """Knows where one server is, which may change at any time. Threads may share it."""

    #: Whether a new server has to be asked if it is a primary.
    checks_role: bool

    def locate(self) -> Address:
        """Return the server's address. Raises redis.RedisError."""

    def redirect(self, address: Address) -> None:
        """Note where a server said that the right one is."""


def ask(settings: Mapping[str, Any], address: Address, *words: str) -> Any:
    """Return one server's answer to a command, on a connection of its own. Raises redis.RedisError."""
    host, port = address
    own: dict[str, Any] = {
        **settings,
        "host": host,
        "port": port,
        "socket_timeout": _ANSWER_TIMEOUT,
        "socket_connect_timeout": _ANSWER_TIMEOUT,
        "decode_responses": True,
        "protocol": 2,
        "driver_info": None,
    }
    if own.get("connection_class") is SSLConnection:
        own["connection_class"] = TlsConnection
    with Redis.from_pool(ConnectionPool(**own)) as client:
        return client.execute_command(*words)


def greet(connection: Any) -> None:
    """Log in on a connection that was just opened, within a few seconds, and check the server's role if the
    locator asks for it. Raises redis.RedisError."""
    connection.update_current_socket_timeout(LOGIN_TIMEOUT)
    connection.on_connect()
    if connection.locator.checks_role:
        connection.send_command("ROLE", check_health=False)
        with suppress(NoPermissionError):  # without the right to ask: a replica will refuse the first write
            refuse_replica(connection, connection.read_response())
    connection.update_current_socket_timeout(-1)  # its own again


def refuse_replica(connection: Any, role: Any) -> None:
    """Raise ReadOnlyError if the answer to ROLE isn't that of a primary."""
    if role[0] not in ("master", b"master"):
        where = f"{connection.host}:{connection.port}"
        message = f"{where} is a replica, but a sentinel names it as the primary"
        raise ReadOnlyError(message, status_code="READONLY")
