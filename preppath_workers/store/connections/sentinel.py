"""Finds the primary that sentinels name, as Redis's guidelines for clients of Sentinel describe it."""

from __future__ import annotations

from redis.connection import parse_url
from redis.exceptions import AuthenticationError, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError

from ...config.redis_url import Address, RedisUrl
from .locator import ask


class SentinelLocator:
    """Asks the sentinels for the primary."""

    #: A sentinel may still name a primary that was demoted.
    checks_role = True

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

    def redirect(self, address: Address) -> None:
        """No-op: only nodes of a Cluster redirect."""
