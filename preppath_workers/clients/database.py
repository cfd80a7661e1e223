"""PrepPath's PostgreSQL database: one connection a process, made when it is first needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg2
from psycopg2 import extensions
from psycopg2.extras import RealDictCursor

from ..errors import ConfigError, JobError, PermanentError, TransientError
from ..log import redact
from .database_url import parse_url

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
#: Errors that lie in the statement or its values: the next attempt would meet them again.
PERMANENT_ERRORS = (
    psycopg2.IntegrityError,
    psycopg2.DataError,
    psycopg2.ProgrammingError,
    psycopg2.NotSupportedError,
)

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

        Times are UTC. Raises TransientError for a lost or refused connection, a timeout, a deadlock or a
        serialization failure, and PermanentError for values and statements that PostgreSQL refuses. A lost
        connection may have lost the answer to a commit: what a transaction does must bear being done again.
        """
        try:
            with self._begin() as cursor:
                yield cursor
                cursor.connection.commit()
        except psycopg2.Error as error:
            failure = _classify(error)
            if isinstance(failure, TransientError):
                # Some of these leave the connection whole, but a new one costs milliseconds, and after a
                # failover it is what finds the new primary.
                self.close()
            else:
                self._rollback()
            raise failure from None  # not chained: its detail lines, see `_classify`
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
            # libpq tells no code for a connection that failed, so its text is all there is to tell the
            # reason. It is not chained, for it is only here that the password can be taken out of it.
            reason = " ".join(redact(str(error), [self._parameters.get("password") or "\0"]).split())
            raise TransientError(f"no connection to PostgreSQL: {reason}") from None
        return connection

    def _rollback(self) -> None:
        if self._connection:
            try:
                self._connection.rollback()
            except psycopg2.Error:
                self.close()


def _classify(error: psycopg2.Error) -> JobError:
    """The error to raise in place of psycopg2's, by its class, which follows from the SQLSTATE.

    The message is the server's first line. The detail lines quote the row, and with it what people said; they
    have no place in logs or the dead-letter list.
    """
    # Without a server's answer (a lost connection) there is no SQLSTATE and no such line.
    said = f"{error.pgcode}: {error.diag.message_primary}" if error.pgcode else type(error).__name__
    kind = PermanentError if isinstance(error, PERMANENT_ERRORS) else TransientError
    return kind(f"PostgreSQL {said}")
