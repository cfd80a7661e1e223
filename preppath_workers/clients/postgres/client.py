"""PrepPath's PostgreSQL database: one connection a transaction.

Workers wait for vendors nearly all of their time. A connection that they kept would be one of the server's
`max_connections`, unused. A new one costs milliseconds, and after a failover it finds the new primary.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg2
from psycopg2 import extensions

from ...config.database_url import parse_url
from ...errors import ConfigError, TransientError
from ...log import redact
from ..machine import machine_error
from .connection import Connection, Cursor, connect
from .sqlstate import failure

__all__ = ["Cursor", "Database"]

#: Seconds to connect, for each address that the host name stands for.
CONNECT_TIMEOUT = 5
#: Seconds that one statement may run or wait for a lock.
STATEMENT_TIMEOUT = 30.0
#: Seconds beyond that until a server that does not answer at all counts as gone: it may be frozen, or a
#: pooler that has no server for us. Longer than the way there and back.
GRACE = 10.0
#: What a network that died shows as: 15 s idle, then three unanswered probes, 5 s apart; or data that no one
#: acknowledges for 30 s.
KEEPALIVES = {
    "keepalives": 1,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
#: A transaction that can be rolled back: no statement of it is under way.
_OPEN = (extensions.TRANSACTION_STATUS_INTRANS, extensions.TRANSACTION_STATUS_INERROR)


class Database:
    """Transactions, each on a connection of its own."""

    def __init__(
        self,
        url: str,
        connect_timeout: float = CONNECT_TIMEOUT,
        statement_timeout: float = STATEMENT_TIMEOUT,
        grace: float = GRACE,
    ) -> None:
        """`url` is PostgreSQL's or Prisma's; `?schema=` becomes the search path. Raises ConfigError."""
        try:
            parameters, self._schema = parse_url(url)
        except ValueError as error:
            raise ConfigError(f"DATABASE_URL is wrong: expected {error}") from None
        self._parameters: dict[str, Any] = {
            "application_name": "preppath-workers",
            **KEEPALIVES,
            **parameters,
        }
        self._connect_timeout = _seconds(parameters.get("connect_timeout"), connect_timeout)
        self._statement_timeout = statement_timeout
        self._patience = statement_timeout + grace

    @contextmanager
    def transaction(self) -> Iterator[Cursor]:
        """A cursor whose rows are dicts. Commits when the block ends, rolls back when it raises. No vendor
        must be waited for inside the block.

        Times are UTC. Raises ServiceError for a lost or refused connection, a timeout, and, with
        `refuses_all`, for missing tables, columns and rights; TransientError for a deadlock or a
        serialization failure; PermanentError for values that PostgreSQL refuses. A lost connection may have
        lost the answer to a commit: what a transaction does must bear being done again. A signal handler may
        end every wait with an exception of its own.
        """
        connection = self._connect()
        try:
            cursor = self._begin(connection)
            yield cursor
            cursor.execute("COMMIT")
            if cursor.statusmessage != "COMMIT":
                # PostgreSQL answers so if a statement had failed and the block went on.
                raise TransientError(
                    "PostgreSQL rolled the transaction back, for a statement in it had failed"
                )
        except psycopg2.Error as error:
            _roll_back(connection)
            raise failure(error) from None  # not chained: its detail lines, see `failure`
        except Exception:
            _roll_back(connection)
            raise
        finally:
            connection.close()  # which ends the transaction too, after an interrupt say

    def _begin(self, connection: Connection) -> Cursor:
        """Opens the transaction with its settings. They are set for the transaction and not for the session,
        because a pooler such as PgBouncer may run the next one in another session."""
        connection.patience = self._patience
        settings = {"timezone": "UTC", "statement_timeout": f"{self._statement_timeout * 1_000:.0f}ms"}
        if self._schema:
            settings["search_path"] = extensions.quote_ident(self._schema, connection)
        cursor: Cursor = connection.cursor(cursor_factory=Cursor)
        calls = ", ".join(["set_config(%s, %s, true)"] * len(settings))
        cursor.execute(f"BEGIN; SELECT {calls}", [word for pair in settings.items() for word in pair])
        return cursor

    def _connect(self) -> Connection:
        try:
            return connect(self._parameters, self._connect_timeout)
        except psycopg2.Error as error:
            # Not chained, for it is only here that the password can be taken out of libpq's text.
            said = redact(str(error), [self._parameters.get("password") or "\0"])
            raise failure(psycopg2.OperationalError(said)) from None
        except OSError as error:
            raise machine_error(error) or error from None


def _roll_back(connection: Connection) -> None:
    """Ends the transaction as a pooler likes it: one that a client just left costs it the connection."""
    with suppress(psycopg2.Error):
        if not connection.closed and connection.info.transaction_status in _OPEN:
            connection.cursor(cursor_factory=Cursor).execute("ROLLBACK")


def _seconds(given: str | None, default: float) -> float:
    """libpq's `connect_timeout`, which an asynchronous connection does not heed: 0 means no limit."""
    try:
        seconds = int(given) if given is not None else default
    except ValueError:
        return default
    return seconds if seconds > 0 else float("inf")
