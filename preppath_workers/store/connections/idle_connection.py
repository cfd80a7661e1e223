"""Calls a script on an idle connection of a redis-py client, past the client itself.

Between two jobs of an idle program, its code leaves the CPU's caches, so each function that runs before the
first byte is sent delays the job's start. Half of them were redis-py's, most for metrics that are turned off.
"""

from __future__ import annotations

import os
import select
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from types import FunctionType
from typing import Any

import redis.client
from redis.client import NEVER_DECODE, Redis
from redis.connection import ConnectionPool
from redis.observability import get_observability_instance

_pack: Callable[[tuple[Any, ...]], bytes] | None = None
with suppress(ImportError):  # producers may do without it
    from hiredis import pack_command as _pack


def execute(client: Redis, words: tuple[Any, ...]) -> Any:
    """Return the answer to EVALSHA as bytes. The client does it if none of its connections is idle, or if it
    isn't a plain one. Raises redis.RedisError."""
    connection = _take_idle(client)
    if connection is None or _pack is None:
        return client.execute_command(*words, **{NEVER_DECODE: True})
    packed = [_pack(words)]

    def exchange() -> Any:
        connection.send_packed_command(packed)
        return connection.read_response(disable_decoding=True)

    try:  # as the client does it
        return connection.retry.call_with_retry(exchange, lambda _: connection.disconnect())
    finally:
        client.connection_pool.release(connection)


def _take_idle(client: Redis) -> Any:
    """Take a connection from the client's pool; None if there is none that can be used at once."""
    pool: Any = client.connection_pool  # Any: the names of its lists are private
    if _pack is None or not _is_plain(client) or pool.pid != os.getpid():
        return None
    with pool._lock:
        if not pool._available_connections:
            return None
        connection = pool._available_connections.pop()
        pool._in_use_connections.add(connection)
    is_ready = False
    try:
        is_ready = _is_ready(connection)
    finally:
        if not is_ready:
            pool.release(connection)
    return connection if is_ready else None


def _is_plain(client: Redis) -> bool:
    """Return whether redis-py's own client, with a pool of its own, does nothing else with a command than to
    send it: programs that trace their commands replace `execute_command`."""
    pool, execute_command = client.connection_pool, type(client).execute_command
    return (
        type(pool) is ConnectionPool
        and pool.cache is None
        and client.connection is None
        and type(execute_command) is FunctionType
        and execute_command.__globals__ is vars(redis.client)
        and not get_observability_instance().is_enabled()
    )


def _is_ready(connection: Any) -> bool:
    """Return whether the connection is open and has nothing to read, as redis-py's pool checks it."""
    connected = connection._sock
    if not isinstance(connected, socket.socket) or (
        isinstance(connected, ssl.SSLSocket) and connected.pending()
    ):
        return False
    poll = select.poll()
    poll.register(connected, select.POLLIN)
    return not poll.poll(0)
