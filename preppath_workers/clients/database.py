"""PrepPath's PostgreSQL database: one connection a process, made when it is first needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg2
from psycopg2 import extensions
from psycopg2.extras import RealDictCursor

from ..errors import ConfigError, PermanentError
from ..log import redact
from .database_url import parse_url
from .sqlstate import failure

#: Seconds to connect, for each address that the host name stands for.
CONNECT_TIMEOUT = 5
#: Seconds that one statement may run or wait for a lock. A call into libpq does not return for a signal,
#: so this is what keeps a job's timeout honest.
STATEMENT_TIMEOUT = 30.0
#: What a network that died shows as: 15 s idle, then three unanswered probes, 5 s apart; or data that no one
#: acknowledges for 30 s.
KEEPALIVES = {
    "keepalives": 1,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
Cursor = RealDictCursor


class Database:
    """Transactions on one connection, which is dropped after any error that may have broken it."""

    def __init__(
        self,
        url: str,
        connect_timeout: int = CONNECT_TIMEOUT,
        statement_timeout: float = STATEMENT_TIMEOUT,
    ) -> None:
        """`url` is PostgreSQL's or Prisma's; `?schema=` becomes the search path. Raises ConfigError."""
        try:
            self._parameters, self._schema = parse_url(url)
        except ValueError as error:
            raise ConfigError(f"DATABASE_URL is wrong: {error}") from None
        self._connect_timeout = connect_timeout
        self._statement_timeout = statement_timeout
        self._connection: extensions.connection | None = None

    def close(self) -> None:
        """Closes the connection; the next transaction makes a new one."""
        connection, self._connection = self._connection, None
        if connection:
            with suppress(psycopg2.Error):
                connection.close()

    @contextmanager
    def transaction(self) -> Iterator[Cursor]:
        """A cursor whose rows are dicts. Commits when the block ends, rolls back when it raises.

        Times are UTC. Raises ServiceError for a lost or refused connection, a timeout, and, with
        `refuses_all`, for missing tables, columns and rights; TransientError for a deadlock or a
        serialization failure; PermanentError for values that PostgreSQL refuses. A lost connection may have
        lost the answer to a commit: what a transaction does must bear being done again.
        """
        try:
            with self._begin() as cursor:
                yield cursor
                cursor.connection.commit()
        except psycopg2.Error as error:
            told = failure(error)
            if isinstance(told, PermanentError):
                self._rollback()
            else:
                # Some of these leave the connection whole, but a new one costs milliseconds, and after a
                # failover it is what finds the new primary.
                self.close()
            raise told from None  # not chained: its detail lines, see `failure`
        except BaseException:
            self._rollback()
            raise

    def _begin(self) -> Cursor:
        """A cursor in a new transaction. A connection that died while it was idle is replaced, once: nothing
        was done on it yet, so no attempt of the job need be spent. So is one that is still in a transaction:
        a signal that cut a rollback short must not have us commit what was to be undone."""
        if self._connection:
            try:
                if self._connection.get_transaction_status() == extensions.TRANSACTION_STATUS_IDLE:
                    return self._start(self._connection)
            except (psycopg2.OperationalError, psycopg2.InterfaceError):
                pass
            self.close()
        self._connection = self._connect()
        return self._start(self._connection)

    def _start(self, connection: extensions.connection) -> Cursor:
        """Opens the transaction with its settings. They are set for each transaction and not once for the
        session, because a pooler such as PgBouncer may run every transaction in another session."""
        settings = {"timezone": "UTC", "statement_timeout": f"{self._statement_timeout * 1_000:.0f}ms"}
        if self._schema:
            settings["search_path"] = extensions.quote_ident(self._schema, connection)
        cursor = connection.cursor(cursor_factory=RealDictCursor)
        calls = ", ".join(["set_config(%s, %s, true)"] * len(settings))
        cursor.execute(f"SELECT {calls}", [word for pair in settings.items() for word in pair])
        return cursor

    def _connect(self) -> extensions.connection:
        settings: dict[str, Any] = {
            "connect_timeout": self._connect_timeout,
            "application_name": "preppath-workers",
            **KEEPALIVES,
            **self._parameters,
        }
        try:
            connection: extensions.connection = psycopg2.connect(**settings)
        except psycopg2.Error as error:
            # Not chained, for it is only here that the password can be taken out of libpq's text.
            reason = " ".join(redact(str(error), [self._parameters.get("password") or "\0"]).split())
            raise failure(psycopg2.OperationalError(f"no connection: {reason}")) from None
        return connection

    def _rollback(self) -> None:
        if self._connection:
            try:
                self._connection.rollback()
            except psycopg2.Error:
                self.close()
