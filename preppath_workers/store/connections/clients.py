"""The clients of several queues."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Self

from redis.client import Redis

from ...config.model import RedisConfig
from ...config.redis_url import split_url
from ..keys import Keys
from .connection import client, client_without_retries


class Clients:
    """One client for all queues; in a Cluster, one for each, since queues may be on different nodes."""

    def __init__(self, config: RedisConfig, make: Callable[[str], Redis]) -> None:
        """`make` returns the client of the queue whose keys begin with its argument."""
        self._prefix = config.prefix
        self._make = make
        self._is_cluster = split_url(config.url).topology == "cluster"
        self._made: dict[str, Redis] = {}

    @classmethod
    def patient(cls, config: RedisConfig) -> Self:
        """Return clients for commands: with sentinels or a Cluster, they try again during a failover."""
        return cls(config, lambda base: client(config.url, base=base))

    @classmethod
    def prompt(cls, config: RedisConfig, timeout: float) -> Self:
        """Return clients whose commands answer or fail within `timeout` seconds."""
        return cls(config, lambda base: client_without_retries(config.url, timeout, base))

    def of(self, queue: str) -> Redis:
        """Return the client of a queue."""
        base = Keys(self._prefix, queue).base if self._is_cluster else ""
        if base not in self._made:
            self._made[base] = self._make(base)
        return self._made[base]

    def groups(self, queues: Iterable[str]) -> list[list[str]]:
        """Return the queues, those with the same client together."""
        groups: dict[int, list[str]] = {}
        for queue in queues:
            groups.setdefault(id(self.of(queue)), []).append(queue)
        return list(groups.values())

    def close(self) -> None:
        """Close all connections."""
        for made in self._made.values():
            made.close()
