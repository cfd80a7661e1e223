from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
from psycopg2.extras import Json, RealDictCursor

from preppath_workers.clients.postgres.client import Database
from preppath_workers.clients.postgres.schema import TABLES, create_missing
from preppath_workers.clients.services import Services
from preppath_workers.config.load import load
from preppath_workers.errors import JobLost
from tests.conftest import ExternalServer
from tests.fake_openai.control import OpenAIServer
from tests.integration.clients.databases import new_database
from tests.support.postgres import PostgresServer

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass
class FakeJobContext:
    """An attempt without a queue: it keeps the progress that was told, and what the next one gets."""

    data: dict[str, Any]
    id: str = "job-1"
    told: list[int] = field(default_factory=list)
    #: What `step` has stored.
    kept: dict[str, Any] = field(default_factory=dict)
    #: Tokens of the rate limit that were spent.
    tokens: int = 0
    #: Whether another worker owns the job now.
    lost: bool = False
    confirmed: int = 0

    def progress(self, percent: int) -> None:
        self.told.append(percent)

    def step(self, name: str, call: Callable[[], Any]) -> Any:
        if name not in self.kept:
            self.kept[name] = json.loads(json.dumps(call(), ensure_ascii=False).encode())
        return self.kept[name]

    def keep(self, name: str, call: Callable[[], bytes], store: Callable[[bytes], None]) -> bytes:
        value = call()
        store(value)
        return value

    def acquire_token(self) -> None:
        self.tokens += 1

    def check_lease(self) -> None:
        self.confirmed += 1
        if self.lost:
            raise JobLost

    def again(self) -> FakeJobContext:
        """The next attempt at the same job."""
        return FakeJobContext(self.data, self.id, kept=self.kept)


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


@pytest.fixture(scope="session")
def handlers_database_url(database_server: PostgresServer | ExternalServer) -> Iterator[str]:
    """A database that these tests share, with the tables."""
    with new_database(database_server.url) as url:
        with Database(url).transaction() as cursor:
            create_missing(cursor)
        yield url


@pytest.fixture
def tables(handlers_database_url: str) -> Iterator[Tables]:
    """The tables, empty."""
    with closing(psycopg2.connect(handlers_database_url, cursor_factory=RealDictCursor)) as connection:
        connection.autocommit = True
        tables = Tables(connection)
        yield tables
        for table in TABLES:
            tables.run(f"DROP TRIGGER IF EXISTS refuse ON {table}")
        tables.run(f"TRUNCATE {', '.join(TABLES)}")


@pytest.fixture(scope="session")
def handlers_bucket(s3: S3Client) -> Iterator[str]:
    """A bucket that these tests share."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    yield name
    s3.delete_bucket(Bucket=name)


@pytest.fixture
def bucket(handlers_bucket: str, s3: S3Client) -> Iterator[str]:
    """The name of the bucket, which is empty."""
    yield handlers_bucket
    for found in s3.list_objects_v2(Bucket=handlers_bucket).get("Contents", []):
        s3.delete_object(Bucket=handlers_bucket, Key=found["Key"])


@pytest.fixture(scope="session")
def workers_services(
    handlers_database_url: str, handlers_bucket: str, s3: S3Client, openai_server: OpenAIServer
) -> Iterator[Callable[..., Services]]:
    """Makes services on real servers, with further variables of the configuration. They are those of one
    worker, which keeps them from job to job."""
    settings = {
        "OPENAI_API_KEY": "sk-test",
        "OPENAI_BASE_URL": openai_server.base_url,
        "S3_ENDPOINT": s3.meta.endpoint_url,
        "S3_BUCKET": handlers_bucket,
        "S3_ACCESS_KEY_ID": "test",
        "S3_SECRET_ACCESS_KEY": "test",
        "DATABASE_URL": handlers_database_url,
    }
    with ExitStack() as made:

        @cache
        def make(**variables: str) -> Services:
            return made.enter_context(closing(Services(load({**settings, **variables}, []))))

        yield make


@pytest.fixture
def make_services(
    workers_services: Callable[..., Services], tables: Tables, bucket: str, vendor: OpenAIServer
) -> Callable[..., Services]:
    """The same, with nothing left of the test before."""
    return workers_services


@pytest.fixture
def services(make_services: Callable[..., Services]) -> Services:
    return make_services()


@pytest.fixture
def breaks(tables: Tables) -> Callable[[str], None]:
    """Makes every update of a table fail for good, so that a handler gets as far as its last step."""

    def order(table: str) -> None:
        tables.run(
            "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION USING ERRCODE = '40001'; END $$"
        )
        tables.run(f"CREATE TRIGGER refuse BEFORE UPDATE ON {table} EXECUTE FUNCTION refuse()")

    return order
