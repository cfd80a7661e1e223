"""Databases that many tests share: one each would cost more than all they do with it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg2


@contextmanager
def new_database(server_url: str) -> Iterator[str]:
    """The URL of a new, empty database, which is gone when the block ends."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with closing(psycopg2.connect(server_url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name} TEMPLATE template0")
            base, _, options = server_url.partition("?")
            yield f"{base.rpartition('/')[0]}/{name}{'?' if options else ''}{options}"
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
