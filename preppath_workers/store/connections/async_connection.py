"""Clients for asyncio. Like those of `connection.py`, they find their server again whenever they connect."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

from redis import asyncio as redis_asyncio
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.connection import (
    BlockingConnectionPool,
    ConnectionPool,
    SSLConnection,
    UnixDomainSocketConnection,
)
from redis.asyncio.connection import Connection as AsyncConnection
from redis.asyncio.retry import Retry
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoPermissionError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from ..refusals import is_wrong_server, redirection
from .connection import ANSWER_TIMEOUT, server_settings
from .connection_classes import UNREADABLE
from .failover_retry import may_try, policy
from .given_client import kind_of, located_settings
from .locator import LOGIN_TIMEOUT, Locator, refuse_replica

if TYPE_CHECKING:  # what the mixins are mixed into
    from redis.asyncio.connection import AbstractConnection as _AnyConnection
    from redis.asyncio.connection import Connection as _NetworkConnection
else:
    _AnyConnection = _NetworkConnection = object


#: Connections of a client, and seconds that a task waits for a free one.
_MOST_CONNECTIONS, _POOL_TIMEOUT = 1_000, 30.0


def async_client(url: str, base: str = "") -> redis_asyncio.Redis:
    """Return a client as `connection.producer_client` does."""
    scheme, settings = server_settings(url, base, ANSWER_TIMEOUT)
    # Tasks are cheap, and servers have some 10,000 connections: further ones wait for a free one.
    pool = BlockingConnectionPool(
        max_connections=_MOST_CONNECTIONS,
        timeout=_POOL_TIMEOUT,
        connection_class=_CLASSES[scheme],
        retry=AsyncFailoverRetry(),
        **settings,
    )
    return redis_asyncio.Redis.from_pool(pool)


def async_client_of_queue(given: redis_asyncio.Redis | RedisCluster, base: str) -> redis_asyncio.Redis:
    """Return a client for the queue whose keys begin with `base`, as `client_of_queue` does.

    Raises TypeError for anything but a client of asyncio.
    """
    if not iscoroutinefunction(getattr(given, "execute_command", None)):
        raise TypeError(f"redis must be a client of redis.asyncio, not {kind_of(given)}")
    if not isinstance(given, RedisCluster):
        return given
    options = given.connection_kwargs
    is_tls = issubclass(options.get("connection_class", AsyncConnection), SSLConnection)
    nodes = [(node.host, int(node.port)) for node in given.startup_nodes]
    settings = located_settings(nodes, options, is_tls, base)
    kind = _CLASSES["rediss" if is_tls else "redis"]
    return redis_asyncio.Redis.from_pool(ConnectionPool(kind, **settings, retry=AsyncFailoverRetry()))


async def close_idle(pool: ConnectionPool) -> None:
    """Close the connections that no task uses. The pool's own method also closes those that other tasks take
    while it does so, and their commands would fail."""
    (idle, _), *_ = pool.get_connection_count()
    taken = [pool.get_available_connection() for _ in range(idle)]
    try:
        for connection in taken:
            await connection.disconnect(nowait=True)
    finally:
        for connection in taken:
            await pool.release(connection)


class AsyncFailoverRetry(Retry):
    """Tries again for some seconds, as `FailoverRetry` does."""

    def __init__(self) -> None:
        super().__init__(*policy())

    async def call_with_retry(
        self, do: Any, fail: Any, is_retryable: Any = None, with_failure_count: bool = False
    ) -> Any:
        """Return what `do` returns. Raises its last error."""
        return await super().call_with_retry(do, fail, may_try(is_retryable), with_failure_count)


class _LeavesWrongServer(_AnyConnection):
    """See the class of the same name in `connection_classes.py`."""

    locator: Locator | None = None

    async def read_response(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return await super().read_response(*args, **kwargs)
        except UNREADABLE as error:
            await self.disconnect(nowait=True)
            raise RedisConnectionError(f"the answer is not Redis's protocol: {error}") from error
        except RedisError as error:
            if is_wrong_server(error):
                await self.disconnect(nowait=True)
            if self.locator and (address := redirection(error)):
                self.locator.redirect(address)
            raise


class _Located(_NetworkConnection):
    """Asks the locator, if there is one, for the address of each new connection."""

    def __init__(self, *args: Any, locator: Locator | None = None, **kwargs: Any) -> None:
        if locator:
            kwargs["redis_connect_func"] = _greet
        super().__init__(*args, **kwargs)
        self.locator = locator

    async def connect_check_health(self, *args: Any, **kwargs: Any) -> None:
        try:
            await super().connect_check_health(*args, **kwargs)
        except RedisConnectionError as error:
            if isinstance(error.__cause__, RedisError):  # the locator's, which redis-py wraps
                raise error.__cause__ from None
            raise

    async def _connect(self) -> None:
        if self.locator:  # in a thread, because it waits for answers
            self.host, self.port = await asyncio.to_thread(self.locator.locate)
        await super()._connect()


async def _greet(connection: Any) -> None:
    """Log in within a few seconds and check the server's role, as `locator.greet` does."""
    try:
        async with asyncio.timeout(LOGIN_TIMEOUT):
            await connection.on_connect()
            if connection.locator.checks_role:
                await connection.send_command("ROLE", check_health=False)
                with suppress(NoPermissionError):
                    refuse_replica(connection, await connection.read_response())
    except TimeoutError as error:
        raise RedisTimeoutError("the server does not answer the login") from error


class _Tcp(_Located, _LeavesWrongServer, AsyncConnection):
    pass


class _Tls(_Located, _LeavesWrongServer, SSLConnection):
    pass


class _Unix(_LeavesWrongServer, UnixDomainSocketConnection):
    pass


#: By the scheme of a URL of one server.
_CLASSES: Mapping[str, type[Any]] = {"redis": _Tcp, "rediss": _Tls, "unix": _Unix}
