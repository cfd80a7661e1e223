"""One connection to PostgreSQL whose waits a signal handler can end.

libpq waits in C. An exception from a signal handler, such as a job's time limit, is raised only when libpq
returns. With a frozen server, or a pooler without one, that may be minutes later. So the connection is
asynchronous and waits in Python. psycopg2's wait callback would apply to the whole process, and handlers
could not use COPY or large objects on their own connections.
"""

from __future__ import annotations

import ctypes
import json
import select
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import psycopg2
from psycopg2 import _psycopg, extensions
from psycopg2.extras import RealDictCursor, register_default_json, register_default_jsonb

from ...errors import PermanentError

#: libpq's PQERRORS_VERBOSE: messages contain the SQLSTATE, which a refused connection reports nowhere else.
_VERBOSE = 2
#: libpq's function that sets it, which psycopg2 loads and does not wrap; None if libpq is linked statically.
_SET_VERBOSITY = getattr(ctypes.CDLL(_psycopg.__file__), "PQsetErrorVerbosity", None)
#: poll(2)'s events for what psycopg2 waits for.
_EVENTS = {extensions.POLL_READ: select.POLLIN, extensions.POLL_WRITE: select.POLLOUT}


class Connection(extensions.connection):
    """An asynchronous connection that waits for each statement, at most `patience` seconds."""

    #: Seconds without an answer after which a statement counts as lost.
    patience = float("inf")

    def wait(self, seconds: float) -> None:
        """Wait until the connection is made or its statement is done.

        Raises psycopg2.Error, also if that takes longer than `seconds`, and any exception of a signal
        handler, after which the connection cannot be used any more.
        """
        deadline = time.monotonic() + seconds
        while (state := self.poll()) != extensions.POLL_OK:
            poller = select.poll()
            poller.register(self.fileno(), _EVENTS[state])
            left = deadline - time.monotonic()
            if left <= 0 or not poller.poll(None if left == float("inf") else left * 1_000):
                raise psycopg2.OperationalError(f"no answer within {seconds:g} s")


class Cursor(RealDictCursor):
    """A cursor whose rows are dicts and whose `execute` returns when the statement is done. An asynchronous
    connection has no `executemany`, no COPY and no cursors on the server."""

    connection: Connection

    def execute(self, query: Any, variables: Sequence[Any] | Mapping[str, Any] | None = None) -> None:
        """Run the statement. Raises psycopg2.Error."""
        super().execute(query, variables)
        self.connection.wait(self.connection.patience)


def connect(parameters: Mapping[str, Any], timeout: float) -> Connection:
    """Return a connection, trying each address of each host for `timeout` seconds, in libpq's order.

    Raises psycopg2.OperationalError, which names the last address and contains the SQLSTATE if the server
    sent one, and OSError if this process cannot open a socket.
    """
    failure: psycopg2.Error | None = None
    for attempt in _addresses(parameters):
        try:
            return _connect(attempt, timeout)
        except psycopg2.Error as error:
            socket.socket().close()  # raises OSError if none can be opened, which libpq does not report
            failure = psycopg2.OperationalError(f"no connection to {_describe(attempt)}: {error}")
    assert failure is not None, "there is at least one address"
    raise failure


def _connect(parameters: Mapping[str, Any], timeout: float) -> Connection:
    connection: Connection = psycopg2.connect(**parameters, async_=True, connection_factory=Connection)
    try:
        _show_sqlstate(connection)
        register_default_json(connection, loads=_loads)
        register_default_jsonb(connection, loads=_loads)
        connection.wait(timeout)
    except BaseException:
        with suppress(psycopg2.Error):
            connection.close()
        raise
    return connection


def _loads(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits, thousands of brackets
        raise PermanentError(f"cannot read JSON of PostgreSQL: {error}") from None


def _show_sqlstate(connection: Connection) -> None:
    """Make the messages of a failed connection begin with the SQLSTATE."""
    if _SET_VERBOSITY is not None:
        _SET_VERBOSITY(ctypes.c_void_p(connection.pgconn_ptr), ctypes.c_int(_VERBOSE))


def _addresses(parameters: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the parameters for each address: an asynchronous connection of libpq stays with an address that
    never answers."""
    hosts = str(parameters.get("host", "")).split(",")
    numeric = str(parameters.get("hostaddr", "")).split(",")
    ports = str(parameters.get("port", "")).split(",")
    count = max(len(hosts), len(numeric))
    if any(len(values) not in (1, count) for values in (hosts, numeric, ports)):
        yield parameters  # libpq refuses them
        return
    hosts, numeric, ports = (values * (count // len(values)) for values in (hosts, numeric, ports))
    for host, address, port in zip(hosts, numeric, ports, strict=True):
        given = {"host": host, "hostaddr": address, "port": port}
        one = {**parameters, **given}
        for found in [address] if address or not host or host.startswith(("/", "@")) else _resolve(host):
            yield {name: value for name, value in {**one, "hostaddr": found}.items() if value != ""}


def _describe(parameters: Mapping[str, Any]) -> str:
    host = parameters.get("hostaddr") or parameters.get("host") or "the default host"
    name = f" ({parameters['host']})" if parameters.get("host", host) != host else ""
    return f"{host}{name}, port {parameters.get('port', 5432)}"


def _resolve(host: str) -> Sequence[str]:
    """Return the addresses of a host, or an empty one if it has none, so that libpq fails with its own
    message.

    A signal does not interrupt this: the resolver's own timeouts bound it, as in libpq.
    """
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return [""]
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
