"""Handlers on real servers."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
from psycopg2.extras import Json, RealDictCursor

from preppath_workers.clients.postgres.client import Database
from preppath_workers.clients.postgres.schema import TABLES, create_missing
from preppath_workers.clients.services import Services
from preppath_workers.config.load import load
from preppath_workers.testing import FakeContext
from tests.conftest import ExternalServer
from tests.fake_openai.control import OpenAIServer
from tests.support.databases import new_database
from tests.support.postgres import PostgresServer

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

EVALUATION = {"questionId": "q1", "interviewId": "i1", "answer": "Because work can wait.", "userId": "u1"}
LONG_AGO = datetime(2020, 1, 1)  # noqa: DTZ001 - the database stores times without a zone


class Tables:
    """PrepPath's tables, read and written directly."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def insert(self, table: str, **row: Any) -> None:
        names = ", ".join(f'"{name}"' for name in row)
        values = [Json(value) if isinstance(value, dict) else value for value in row.values()]
        placeholders = ", ".join(["%s"] * len(row))
        self.run(f"INSERT INTO {table} ({names}) VALUES ({placeholders})", *values)  # noqa: S608 - names of our own tables

    def rows(self, table: str) -> list[dict[str, Any]]:
        with self._connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {table}")  # noqa: S608 - names of our own tables
            return [dict(row) for row in cursor.fetchall()]

    def row(self, table: str) -> dict[str, Any]:
        """The only row."""
        [row] = self.rows(table)
        return row

    def run(self, statement: str, *values: Any) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(statement, values or None)


@pytest.fixture(scope="session")
def shared_database_url(database_server: PostgresServer | ExternalServer) -> Iterator[str]:
    """A database with PrepPath's tables, shared by these tests."""
    with new_database(database_server.url) as url:
        with Database(url).transaction() as cursor:
            create_missing(cursor)
        yield url


@pytest.fixture(scope="session")
def shared_tables(shared_database_url: str) -> Iterator[Tables]:
    with closing(psycopg2.connect(shared_database_url, cursor_factory=RealDictCursor)) as connection:
        connection.autocommit = True
        yield Tables(connection)


@pytest.fixture
def tables(shared_tables: Tables) -> Iterator[Tables]:
    """The tables, empty."""
    yield shared_tables
    for table in TABLES:  # TRUNCATE would make new files, which takes longer
        shared_tables.run(f"DROP TRIGGER IF EXISTS refuse ON {table}; DELETE FROM {table}")  # noqa: S608


@pytest.fixture(scope="session")
def shared_bucket(s3: S3Client) -> Iterator[str]:
    """A bucket shared by these tests."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    yield name
    s3.delete_bucket(Bucket=name)


@pytest.fixture
def bucket(shared_bucket: str, s3: S3Client) -> Iterator[str]:
    """The name of the shared bucket, emptied after each test."""
    yield shared_bucket
    for found in s3.list_objects_v2(Bucket=shared_bucket).get("Contents", []):
        s3.delete_object(Bucket=shared_bucket, Key=found["Key"])


@pytest.fixture(scope="session")
def shared_make_services(
    shared_database_url: str, shared_bucket: str, s3: S3Client, openai_server: OpenAIServer
) -> Iterator[Callable[..., Services]]:
    """Make services on real servers, with more variables of the configuration. They are cached, as a worker
    keeps its clients from job to job."""
    settings = {
        "OPENAI_API_KEY": "sk-test",
        "OPENAI_BASE_URL": openai_server.base_url,
        "S3_ENDPOINT": s3.meta.endpoint_url,
        "S3_BUCKET": shared_bucket,
        "S3_ACCESS_KEY_ID": "test",
        "S3_SECRET_ACCESS_KEY": "test",
        "DATABASE_URL": shared_database_url,
    }
    with ExitStack() as made:

        @cache
        def make(**variables: str) -> Services:
            return made.enter_context(closing(Services(load({**settings, **variables}, []))))

        yield make


@pytest.fixture
def make_services(
    shared_make_services: Callable[..., Services], tables: Tables, bucket: str, vendor: OpenAIServer
) -> Callable[..., Services]:
    """Make services on empty tables and an empty bucket."""
    return shared_make_services


@pytest.fixture
def services(make_services: Callable[..., Services]) -> Services:
    return make_services()


@pytest.fixture
def fail_updates(tables: Tables) -> Callable[[str], None]:
    """Make every update of a table fail, so that a handler fails at its last step."""

    def order(table: str) -> None:
        tables.run(
            "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION USING ERRCODE = '40001'; END $$"
        )
        tables.run(f"CREATE TRIGGER refuse BEFORE UPDATE ON {table} EXECUTE FUNCTION refuse()")

    return order


@pytest.fixture
def skip_updates(tables: Tables) -> Callable[[str], None]:
    """Make every update of a table find no row, as if it had been deleted meanwhile."""

    def order(table: str) -> None:
        tables.run(
            "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RETURN NULL; END $$"
        )
        tables.run(f"CREATE TRIGGER refuse BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse()")

    return order


@pytest.fixture
def question(tables: Tables) -> Callable[..., FakeContext]:
    """Make an interview of user u1 with one question, and the context of a job with an answer to it."""

    def make(answer: str = EVALUATION["answer"], **columns: Any) -> FakeContext:
        tables.insert("interviews", id="i1", userId="u1")
        row = {"id": "q1", "interviewId": "i1", "question": "Why queues?", "updatedAt": LONG_AGO, **columns}
        tables.insert("interview_questions", **row)
        return FakeContext({**EVALUATION, "answer": answer})

    return make


@pytest.fixture
def flex(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """Evaluations of priority 60 and less urgent ones ask for the tier flex, twice at most."""
    config = replace(
        services.openai.config,
        evaluation_service_tier="flex",
        evaluation_tier_from_priority=60,
        evaluation_tier_tries=2,
    )
    monkeypatch.setattr(services.openai, "config", config)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
