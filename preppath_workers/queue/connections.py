"""How we connect to Redis: one way for producers and onlookers, one for the slot that consumes."""

from __future__ import annotations

from typing import Any

import redis
from hiredis import HiredisError
from redis.backoff import NoBackoff
from redis.connection import ConnectionInterface, parse_url
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse, RedisError
from redis.retry import Retry

from .refusals import is_wrong_server

#: Seconds to wait for a connection.
CONNECT_TIMEOUT = 3.0

#: Any client may push what is no UTF-8: it can be read this way, with a stand-in for each odd byte.
ENCODING_ERRORS = "surrogateescape"

#: What reading an answer may raise that is not Redis's protocol, or holds what the protocol's version cannot.
UNREADABLE = (InvalidResponse, HiredisError, MemoryError, RecursionError, TypeError, ValueError)

_COMMON = {
    "decode_responses": True,
    "encoding_errors": ENCODING_ERRORS,
    "protocol": 2,
    # No CLIENT SETINFO: an ACL cannot name it before Redis 7.2, and README's user must be refused nothing.
    "driver_info": None,
}


class _LeavesWrongServer:
    """Closes the connection when the server says that it is not the one to write to. redis-py keeps it after
    an error answer: behind a virtual address or a proxy it would stay with a demoted server for ever."""

    def read_response(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().read_response(*args, **kwargs)  # type: ignore[misc] # it is mixed into a Connection
        except UNREADABLE as error:  # a proxy's page, say
            self.disconnect()  # type: ignore[attr-defined]
            raise RedisConnectionError(f"the answer is not Redis's protocol: {error}") from error
        except RedisError as error:
            if is_wrong_server(error):
                self.disconnect()  # type: ignore[attr-defined]
            raise


class _Tcp(_LeavesWrongServer, redis.Connection):
    pass


class _Tls(_LeavesWrongServer, redis.SSLConnection):
    pass


class _Unix(_LeavesWrongServer, redis.UnixDomainSocketConnection):
    pass


_BY_SCHEME: dict[str, type[Any]] = {"redis": _Tcp, "rediss": _Tls, "unix": _Unix}


def client(url: str, timeout: float = 5.0) -> redis.Redis:
    """A client for producers and onlookers: `timeout` seconds a command. redis-py sends a command again after
    a lost connection; all our transitions bear that."""
    return _client(url, socket_timeout=timeout, socket_connect_timeout=CONNECT_TIMEOUT)


def client_without_retries(url: str, timeout: float) -> redis.Redis:
    """A client whose every command ends within `timeout` seconds, one way or the other."""
    return _client(url, socket_timeout=timeout, socket_connect_timeout=timeout, retry=Retry(NoBackoff(), 0))


def _client(url: str, **options: Any) -> redis.Redis:
    kind = _BY_SCHEME[url.partition("://")[0].lower()]
    return redis.Redis.from_url(url, connection_class=kind, **options, **_COMMON)


def consumer(url: str, timeout: float) -> ConnectionInterface:
    """One connection below redis-py's client, for one slot: nothing is ever sent twice."""
    # Without a pool, which is of no use and would cost each child half a MiB that it shares with nobody. And
    # without a Retry, of which each connection makes a copy, a fifth of a MiB: none tries again by itself.
    known = dict(parse_url(url))
    make: type[redis.Connection] = known.pop("connection_class", redis.Connection)
    return make(**known, socket_timeout=timeout, socket_connect_timeout=CONNECT_TIMEOUT, **_COMMON)
