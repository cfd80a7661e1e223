"""Finds the server to connect to: at each connect, since a failover may have happened after the last one."""

from __future__ import annotations

from typing import Any, Protocol

import redis
from redis.connection import ConnectionPool, parse_url
from redis.exceptions import AuthenticationError, NoPermissionError, ReadOnlyError, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError

from ..config.redis_url import Address, RedisUrl

#: Seconds for a sentinel to answer: another one may be healthy.
_SENTINEL_TIMEOUT = 1.0

#: Seconds for a new server to answer the login: one that is stopped or unreachable still accepts connections.
_LOGIN_TIMEOUT = 3.0


class Locator(Protocol):
    """Knows where one server is, which may change at any time. Threads may share it."""

    def locate(self) -> Address:
        """Return the server's address. Raises redis.RedisError."""

    def greet(self, connection: Any) -> None:
        """Log in on a new connection and check that it leads to the right server. Raises redis.RedisError."""


class SentinelLocator:
    """Asks the sentinels for the primary, as Redis's guidelines for clients of Sentinel describe it."""

    def __init__(self, url: RedisUrl) -> None:
        self._service = url.service
        self._url = url.sentinel
        self._addresses = url.hosts

    def locate(self) -> Address:
        """Return the address that the first sentinel gives; it is asked first next time too."""
        failures: list[str] = []
        rejections = 0
        for address in self._addresses:
            host, port = address
            try:
                # Closed at once: it is needed only after a failure.
                with _sentinel(self._url, host, port) as sentinel:
                    found: Any = sentinel.sentinel_get_master_addr_by_name(self._service)
            except RedisError as error:
                rejections += isinstance(error, AuthenticationError)
                failures.append(f"{host}:{port}: {error}")
                continue
            if found:
                self._addresses = (address, *(other for other in self._addresses if other != address))
                return str(found[0]), int(found[1])
            failures.append(f"{host}:{port} does not know it")
        kind = AuthenticationError if rejections == len(self._addresses) else RedisConnectionError
        raise kind(f"no sentinel names the primary of {self._service!r}: {'; '.join(failures)}")

    def greet(self, connection: Any) -> None:
        """Log in and check the server's role: a sentinel may still name a primary that was demoted."""
        connection._sock.settimeout(_LOGIN_TIMEOUT)
        connection.on_connect()
        connection.send_command("ROLE", check_health=False)
        try:
            role = connection.read_response()[0]
        except NoPermissionError:
            role = "master"  # the user's ACL lacks ROLE: a replica will refuse the first write
        if role not in ("master", b"master"):
            where = f"{connection.host}:{connection.port}"
            message = f"{where} is a replica, but a sentinel names it as the primary"
            raise ReadOnlyError(message, status_code="READONLY")
        connection._sock.settimeout(connection.socket_timeout)


def _sentinel(url: str, host: str, port: int) -> redis.Redis:
    """Return a client that tries once."""
    settings: dict[str, Any] = {
        **parse_url(url),
        "host": host,
        "port": port,
        "socket_timeout": _SENTINEL_TIMEOUT,
        "socket_connect_timeout": _SENTINEL_TIMEOUT,
        "decode_responses": True,
        "protocol": 2,
        "driver_info": None,
    }
    return redis.Redis.from_pool(ConnectionPool(**settings))


def locator_of(url: RedisUrl, base: str) -> Locator | None:
    """Return what finds the server of the queue whose keys begin with `base`; None for a fixed address."""
    return SentinelLocator(url) if url.topology == "sentinel" else None
