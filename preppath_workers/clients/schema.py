"""Creates the tables that the workers need and that are not there."""

from __future__ import annotations

from importlib.resources import files

from .database import Cursor

#: In the order of schema.sql.
TABLES = ("interviews", "interview_questions", "interview_recordings", "answer_feedback")
#: Names the lock that two programs creating tables wait for each other with: PostgreSQL's IF NOT EXISTS is
#: no protection against a table that appears meanwhile. Any number would do.
LOCK = 0x50726570


def create_missing(cursor: Cursor) -> dict[str, bool]:
    """Creates what is missing of `TABLES` and changes nothing that exists; commits nothing.

    Returns for each table whether it was created.
    """
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
    existing = {row["tablename"] for row in cursor.fetchall()}
    cursor.execute(files(__package__).joinpath("schema.sql").read_text(encoding="utf-8"))
    return {table: table not in existing for table in TABLES}
