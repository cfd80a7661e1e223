"""PrepPath's PostgreSQL database: a new connection for each transaction.

Workers wait for vendors nearly all of the time, so a connection that they kept would hold one of the server's
`max_connections` unused. A new one takes milliseconds, and after a failover it finds the new primary.
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

#: Seconds to connect to each address of the host.
CONNECT_TIMEOUT = 5
#: Seconds that one statement may run or wait for a lock.
STATEMENT_TIMEOUT = 30.0
#: Seconds between two statements after which the server ends the transaction, which takes its locks from a
#: machine that has died or stands still. Less than others wait for them.
IDLE_TIMEOUT = 15.0
#: Further seconds until a server that does not answer at all counts as lost: it may be frozen, or a pooler
#: without a free server. Longer than a round trip.
GRACE = 10.0
#: When a connection counts as lost: after 15 s idle, three unanswered probes 5 s apart; or data that is not
#: acknowledged for 30 s.
KEEPALIVES = {
    "keepalives": 1,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
#: States in which a transaction can be rolled back: none of its statements is running.
_OPEN = (extensions.TRANSACTION_STATUS_INTRANS, extensions.TRANSACTION_STATUS_INERROR)


class Database:
    """Transactions, each on its own connection."""

    def __init__(
        self,
        url: str,
        connect_timeout: float = CONNECT_TIMEOUT,
        statement_timeout: float = STATEMENT_TIMEOUT,
        grace: float = GRACE,
        idle_timeout: float = IDLE_TIMEOUT,
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
            # psycopg2 encodes values itself, and raises no error of its own for one that it cannot encode.
            "client_encoding": "UTF8",
        }
        self._connect_timeout = _seconds(parameters.get("connect_timeout"), connect_timeout)
        self._statement_timeout = statement_timeout
        self._idle_timeout = idle_timeout
        self._patience = statement_timeout + grace

    @contextmanager
    def transaction(self) -> Iterator[Cursor]:
        """Yield a cursor whose rows are dicts. Commit when the block ends, roll back if it raises. The block
        must not wait for a vendor.

        Times are UTC. Transactions must be idempotent, because the answer to a commit may be lost with its
        connection. An exception from a signal handler ends any wait.

        Raises ServiceError for a lost or refused connection and for a timeout, and, with `refuses_all`, for
        missing tables, columns and rights; TransientError for a deadlock, a serialization failure or a value
        that is written and doesn't fit its column; PermanentError for other values that PostgreSQL refuses.
        """
        connection = self._connect()
        try:
            cursor = self._begin(connection)
            yield cursor
            cursor.execute("COMMIT")
            if cursor.statusmessage != "COMMIT":
                # PostgreSQL answers ROLLBACK if the block went on after a failed statement.
                raise TransientError("PostgreSQL rolled back the transaction: a statement in it had failed")
        except psycopg2.Error as error:
            _roll_back(connection)
            raise failure(error) from None  # not chained: see `failure` about its detail lines
        except Exception:
            _roll_back(connection)
            raise
        finally:
            connection.close()  # also ends the transaction, such as after an interrupt

    def _begin(self, connection: Connection) -> Cursor:
        """Begin the transaction and apply the settings to it. Not to the session: a pooler such as PgBouncer
        may run the next transaction in another session."""
        connection.patience = self._patience
        settings = {
            "timezone": "UTC",
            "statement_timeout": f"{self._statement_timeout * 1_000:.0f}ms",
            "idle_in_transaction_session_timeout": f"{self._idle_timeout * 1_000:.0f}ms",
        }
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
            # Not chained: libpq's text may contain the password.
            text = redact(str(error), [self._parameters.get("password") or "\0"])
            raise failure(psycopg2.OperationalError(text)) from None
        except OSError as error:
            raise machine_error(error) or error from None


def _roll_back(connection: Connection) -> None:
    """Roll back explicitly: a pooler closes its server connection if a client leaves a transaction open."""
    with suppress(psycopg2.Error):
        if not connection.closed and connection.info.transaction_status in _OPEN:
            connection.cursor(cursor_factory=Cursor).execute("ROLLBACK")


def _seconds(given: str | None, default: float) -> float:
    """Parse libpq's `connect_timeout`, which asynchronous connections ignore: 0 means no limit."""
    try:
        seconds = int(given) if given is not None else default
    except ValueError:
        return default
    return seconds if seconds > 0 else float("inf")
