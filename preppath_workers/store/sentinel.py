"""Finds the primary that sentinels name, as Redis's guidelines for clients of Sentinel describe it."""

from __future__ import annotations

from typing import Any

from redis.connection import parse_url
from redis.exceptions import AuthenticationError, NoPermissionError, ReadOnlyError, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError

from ..config.redis_url import Address, RedisUrl
from .locator import ask, log_in


class SentinelLocator:
    """Asks the sentinels for the primary, and the primary for its role."""

    def __init__(self, url: RedisUrl) -> None:
        self._service = url.service
        self._settings = parse_url(url.sentinel)
        self._addresses = url.hosts

    def locate(self) -> Address:
        """Return the address that the first sentinel gives; it is asked first next time too."""
        failures: list[str] = []
        rejections = 0
        for address in self._addresses:
            sentinel = f"{address[0]}:{address[1]}"
            try:
                found = ask(self._settings, address, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._service)
            except RedisError as error:
                rejections += isinstance(error, AuthenticationError)
                failures.append(f"{sentinel}: {error}")
                continue
            if found:
                self._addresses = (address, *(other for other in self._addresses if other != address))
                return str(found[0]), int(found[1])
            failures.append(f"{sentinel} does not know it")
        kind = AuthenticationError if rejections == len(self._addresses) else RedisConnectionError
        raise kind(f"no sentinel names the primary of {self._service!r}: {'; '.join(failures)}")

    def greet(self, connection: Any) -> None:
        """Log in and check the server's role: a sentinel may still name a primary that was demoted."""
        log_in(connection)
        connection.send_command("ROLE", check_health=False)
        try:
            role = connection.read_response()[0]
        except NoPermissionError:
            return  # the user's ACL lacks ROLE: a replica will refuse the first write
        if role not in ("master", b"master"):
            where = f"{connection.host}:{connection.port}"
            message = f"{where} is a replica, but a sentinel names it as the primary"
            raise ReadOnlyError(message, status_code="READONLY")

    def redirect(self, address: Address) -> None:
        """No-op: only nodes of a Cluster redirect."""
