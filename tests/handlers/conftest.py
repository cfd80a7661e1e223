from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import psycopg2
import pytest
from psycopg2.extras import Json, RealDictCursor

from preppath_workers.clients.database import Database
from preppath_workers.clients.schema import create_missing
from preppath_workers.clients.services import Services
from preppath_workers.config import load
from preppath_workers.dev.openai.control import OpenAIServer


@dataclass
class FakeAttempt:
    """An attempt without a queue: it keeps the progress that was told."""

    data: dict[str, Any]
    id: str = "job-1"
    told: list[int] = field(default_factory=list)

    def progress(self, percent: int) -> None:
        self.told.append(percent)


class Tables:
    """The database as PrepPath's API sees it."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def insert(self, table: str, **row: Any) -> None:
        names = ", ".join(f'"{name}"' for name in row)
        values = [Json(value) if isinstance(value, dict) else value for value in row.values()]
        places = ", ".join(["%s"] * len(row))
        self.run(f"INSERT INTO {table} ({names}) VALUES ({places})", *values)  # noqa: S608 - our own names

    def rows(self, table: str) -> list[dict[str, Any]]:
        with self._connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {table}")  # noqa: S608 - our own names
            return [dict(row) for row in cursor.fetchall()]

    def row(self, table: str) -> dict[str, Any]:
        """The only row."""
        [row] = self.rows(table)
        return row

    def run(self, statement: str, *values: Any) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(statement, values or None)


@pytest.fixture
def tables(database_url: str) -> Iterator[Tables]:
    with closing(Database(database_url)) as database, database.transaction() as cursor:
        create_missing(cursor)
    with closing(psycopg2.connect(database_url, cursor_factory=RealDictCursor)) as connection:
        connection.autocommit = True
        yield Tables(connection)


@pytest.fixture
def services(
    tables: Tables, database_url: str, bucket: str, s3: Any, vendor: OpenAIServer
) -> Iterator[Services]:
    """Services on real servers."""
    config = load(
        {
            "OPENAI_API_KEY": "sk-test",
            "OPENAI_BASE_URL": vendor.base_url,
            "S3_ENDPOINT": s3.meta.endpoint_url,
            "S3_BUCKET": bucket,
            "S3_ACCESS_KEY_ID": "test",
            "S3_SECRET_ACCESS_KEY": "test",
            "DATABASE_URL": database_url,
        },
        [],
    )
    with closing(Services(config)) as services:
        yield services


@pytest.fixture
def breaks(tables: Tables) -> Callable[[str], None]:
    """Makes every update of a table fail for good, so that a handler gets as far as its last step."""

    def order(table: str) -> None:
        tables.run(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION USING ERRCODE = '40001'; END $$"
        )
        tables.run(f"CREATE TRIGGER refuse BEFORE UPDATE ON {table} EXECUTE FUNCTION refuse()")

    return order
