"""Check that PostgreSQL answers, with the tables and privileges that the handlers need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ...config.model import Config
from ...errors import ConfigError, JobError
from .connections import check_connections
from .findings import Finding

#: Seconds to connect, and for each statement.
_TIMEOUT = 5

#: The privileges that the handlers need on each table.
NEEDED: Mapping[str, Sequence[str]] = {
    "interviews": ("SELECT",),
    "interview_questions": ("SELECT", "UPDATE"),
    "interview_recordings": ("SELECT", "UPDATE"),
    "answer_feedback": ("SELECT", "INSERT"),
}

#: Encodings that store any text.
_ENCODINGS = ("UTF8", "SQL_ASCII")
_ENCODING_LACKS = "lacks characters: jobs whose texts have them fail, after their requests were paid for"

#: Those that `costs --store` needs.
_NEEDED_BY_ROWS = {"preppath_worker_costs": ("SELECT", "INSERT", "UPDATE")}


def check_connection(config: Config) -> Iterator[Finding]:
    """Check that PostgreSQL answers."""
    yield from _check(config, {})


def check_database(config: Config) -> Iterator[Finding]:
    """Check that PostgreSQL answers, its connection limits, and each table."""
    yield from _check(config, {**NEEDED, **(_NEEDED_BY_ROWS if config.ledger_rows else {})})


def _check(config: Config, needed: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    from ...clients.postgres.client import Database  # imported here, because other commands do not need it

    try:
        database = Database(config.database_url, connect_timeout=_TIMEOUT, statement_timeout=_TIMEOUT)
        with database.transaction() as cursor:
            cursor.execute(
                "SELECT current_setting('server_version') AS version, pg_is_in_recovery() AS standby, "
                "current_setting('transaction_read_only') = 'on' AS read_only, "
                "current_setting('server_encoding') AS encoding"
            )
            answer = cursor.fetchone()
            assert answer is not None
            encoding = answer.pop("encoding")
            yield _server(**answer)
            if encoding not in _ENCODINGS:
                yield Finding("warning", "database encoding", f"{encoding} {_ENCODING_LACKS}")
            if needed:
                yield check_connections(config, cursor)
            for table, rights in needed.items():
                # to_regclass uses the search path, as the handlers' statements do.
                cursor.execute(
                    "SELECT to_regclass(%s) IS NOT NULL AS there, ARRAY(SELECT one FROM unnest(%s) AS one "
                    "WHERE NOT coalesce(has_table_privilege(to_regclass(%s), one), true)) AS missing",
                    (table, list(rights), table),
                )
                answer = cursor.fetchone()
                assert answer is not None
                yield _table(table, answer["there"], answer["missing"])
    except (JobError, ConfigError) as error:
        yield Finding("error", "database", str(error))


def _server(version: str, standby: bool, read_only: bool) -> Finding:
    if standby:
        return Finding("error", "database", "this server is a standby, which accepts no writes")
    if read_only:
        return Finding("error", "database", "accepts no writes: default_transaction_read_only is on")
    return Finding("ok", "database", f"PostgreSQL {version}")


def _table(table: str, there: bool, missing: Sequence[str]) -> Finding:
    what = f"table {table}"
    if not there:
        return Finding("error", what, "does not exist; `init-db` creates what is missing")
    if missing:
        return Finding("error", what, f"this user lacks the privileges {', '.join(missing)}")
    return Finding("ok", what, "exists, with the privileges needed")
