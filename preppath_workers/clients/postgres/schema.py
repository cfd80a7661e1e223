"""Creates the tables that the workers need, if they are missing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

from .client import Cursor

#: In the order of schema.sql.
TABLES = ("interviews", "interview_questions", "interview_recordings", "answer_feedback")
#: The table of paid requests, which only `LEDGER_ROWS` needs.
COSTS = "preppath_worker_costs"
#: The advisory lock held while creating tables: IF NOT EXISTS fails if another session creates the table at
#: the same time. The number is arbitrary.
LOCK = 0x50726570


#: What is wrong if nothing of the search path can be used.
NO_SCHEMA = "the schema in DATABASE_URL does not exist, or this user may not use it"


def has_schema(cursor: Cursor) -> bool:
    """Return whether there is a schema to create tables in."""
    cursor.execute("SELECT current_schema() IS NOT NULL AS there")
    answer = cursor.fetchone()
    return bool(answer and answer["there"])


def missing_tables(cursor: Cursor, tables: Sequence[str] = TABLES) -> list[str]:
    """Return those of the tables that are not on the search path, which the jobs' statements use too."""
    cursor.execute(
        "SELECT name FROM unnest(%s) WITH ORDINALITY AS wanted (name, place) "
        "WHERE to_regclass(name) IS NULL ORDER BY place",
        [list(tables)],
    )
    return [row["name"] for row in cursor.fetchall()]


def create_missing(cursor: Cursor, tables: Sequence[str] = TABLES) -> list[str]:
    """Create the missing tables, without a commit, and return their names.

    If no table is missing, the right to create tables is not needed.
    """
    if not missing_tables(cursor, tables):
        return []
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    missing = missing_tables(cursor, tables)
    for table in missing:
        cursor.execute(_statements()[table])
    return missing


@cache
def _statements() -> Mapping[str, str]:
    """Return the statement of schema.sql that creates each table, by table."""
    schema = files(__package__).joinpath("schema.sql").read_text(encoding="utf-8")
    found = re.finditer(r"^CREATE TABLE IF NOT EXISTS (\w+) \(.*?^\);", schema, re.M | re.S)
    return {match[1]: match[0] for match in found}
