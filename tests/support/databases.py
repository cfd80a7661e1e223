"""New databases, and short statements on them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg2

from preppath_workers.clients.postgres.client import Database


@contextmanager
def new_database(server_url: str) -> Iterator[str]:
    """Create an empty database; yield its URL; drop it when the block ends."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with closing(psycopg2.connect(server_url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name} TEMPLATE template0")
            base, _, options = server_url.partition("?")
            yield f"{base.rpartition('/')[0]}/{name}{'?' if options else ''}{options}"
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


def first_value(database: Database, statement: str, *values: object) -> object:
    """Return the first value of the first row."""
    with database.transaction() as cursor:
        cursor.execute(statement, values or None)
        return next(iter((cursor.fetchone() or {}).values()), None)


def execute(url: str, statement: str, *values: object) -> None:
    """Run the statement on a new connection."""
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement, values or None)


def fetch(url: str, statement: str, *values: object) -> object:
    """Return the first value of the first row, read on a new connection."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return (cursor.fetchone() or (None,))[0]
