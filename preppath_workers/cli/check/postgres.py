"""Check that PostgreSQL answers, with the tables, columns and privileges that the handlers need."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...config.model import QueueConfig, RedisConfig
from ...errors import ConfigError, JobError
from .connections import check_connections
from .findings import Finding

if TYPE_CHECKING:
    from ...clients.postgres.client import Cursor

#: Seconds to connect, and for each statement.
_TIMEOUT = 5


@dataclass(frozen=True)
class Needs:
    """The privileges on a table and the columns that are read and written."""

    rights: Sequence[str]
    columns: Sequence[str] = ()


#: What the handlers need.
NEEDED: Mapping[str, Needs] = {
    "interviews": Needs(("SELECT",), ("id", "userId")),
    "interview_questions": Needs(
        ("SELECT", "UPDATE"),
        (
            *("id", "interviewId", "question", "category", "difficulty", "expectedAnswer"),
            *("evaluationCriteria", "audioUrl", "audioDuration", "ttsGenerated", "userAnswer", "score"),
            *("correctness", "completeness", "clarity", "strengths", "improvements", "aiEvaluation"),
            *("answeredAt", "evaluatedAt", "updatedAt"),
        ),
    ),
    "interview_recordings": Needs(
        ("SELECT", "UPDATE"),
        (
            *("id", "userId", "filename", "originalName", "mimeType", "duration", "transcribed"),
            *("transcription", "transcribedAt"),
        ),
    ),
    "answer_feedback": Needs(
        ("SELECT", "INSERT"),
        (
            *("id", "jobId", "questionId", "interviewId", "userId", "correctnessScore"),
            *("completenessScore", "clarityScore", "totalScore", "feedback", "strengths", "improvements"),
        ),
    ),
}

#: Encodings that store any text.
_ENCODINGS = ("UTF8", "SQL_ASCII")
_ENCODING_LACKS = "lacks characters: jobs whose texts have them fail, after their requests were paid for"

#: Those that `costs --store` needs.
_NEEDED_BY_ROWS = {"preppath_worker_costs": Needs(("SELECT", "INSERT", "UPDATE"))}

#: What a table lacks. to_regclass uses the search path, as the handlers' statements do.
_MISSING = """
SELECT to_regclass(%(table)s) IS NOT NULL AS there,
    ARRAY(SELECT one FROM unnest(%(rights)s) AS one
        WHERE NOT coalesce(has_table_privilege(to_regclass(%(table)s), one), true)) AS rights,
    ARRAY(SELECT one FROM unnest(%(columns)s::text[]) AS one WHERE one NOT IN (
        SELECT attname FROM pg_attribute
        WHERE attrelid = to_regclass(%(table)s) AND NOT attisdropped)) AS columns
"""


def check_connection(url: str) -> Iterator[Finding]:
    """Check that PostgreSQL answers."""
    yield from _check(url, lambda _: ())


def check_database(
    url: str, redis: RedisConfig, queues: Sequence[QueueConfig], with_rows: bool
) -> Iterator[Finding]:
    """Check PostgreSQL, its connection limits and its tables. `with_rows`: also that of costs."""
    needed = {**NEEDED, **(_NEEDED_BY_ROWS if with_rows else {})}

    def check(cursor: Cursor) -> Iterator[Finding]:
        from ...clients.postgres.schema import NO_SCHEMA, has_schema  # imports the driver

        yield check_connections(redis, queues, cursor)
        if not has_schema(cursor):
            yield Finding("error", "database schema", NO_SCHEMA)
            return
        for table, needs in needed.items():
            wanted = {"table": table, "rights": list(needs.rights), "columns": list(needs.columns)}
            cursor.execute(_MISSING, wanted)
            answer = cursor.fetchone()
            assert answer is not None
            yield _table(table, answer["there"], Needs(answer["rights"], answer["columns"]))

    yield from _check(url, check)


def _check(url: str, check: Callable[[Cursor], Iterable[Finding]]) -> Iterator[Finding]:
    from ...clients.postgres.client import Database  # imported here, because other commands do not need it

    try:
        database = Database(url, connect_timeout=_TIMEOUT, statement_timeout=_TIMEOUT)
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
            yield from check(cursor)
    except (JobError, ConfigError) as error:
        yield Finding("error", "database", str(error))


def _server(version: str, standby: bool, read_only: bool) -> Finding:
    if standby:
        return Finding("error", "database", "this server is a standby, which accepts no writes")
    if read_only:
        return Finding("error", "database", "accepts no writes: default_transaction_read_only is on")
    return Finding("ok", "database", f"PostgreSQL {version}")


def _table(table: str, there: bool, missing: Needs) -> Finding:
    what = f"table {table}"
    if not there:
        return Finding("error", what, "does not exist; `init-db` creates what is missing")
    if missing.columns:
        return Finding("error", what, f"has no columns {', '.join(sorted(missing.columns))}")
    if missing.rights:
        return Finding("error", what, f"this user lacks the privileges {', '.join(missing.rights)}")
    return Finding("ok", what, "exists, with the columns and privileges needed")
