"""Transactions of the PostgreSQL client."""

from __future__ import annotations

from contextlib import suppress

import psycopg2
import pytest

from preppath_workers.clients.postgres.client import Database
from preppath_workers.errors import JobTimeout, PermanentError, TransientError
from tests.support.databases import execute, fetch, first_value
from tests.support.waiting import eventually


def test_transaction_at_its_end_commits(database: Database) -> None:
    with database.transaction() as cursor:
        cursor.execute("CREATE TABLE t (a integer)")
        cursor.execute("INSERT INTO t VALUES (1)")

    assert first_value(database, "SELECT a FROM t") == 1


@pytest.mark.parametrize("error", [PermanentError("no"), ValueError("no"), JobTimeout()])
def test_transaction_that_raises_rolls_back(database: Database, error: BaseException) -> None:
    def work() -> None:
        with database.transaction() as cursor:
            cursor.execute("CREATE TABLE t (a integer)")
            raise error

    with pytest.raises(type(error)):
        work()
    assert first_value(database, "SELECT to_regclass('t')") is None


@pytest.mark.parametrize("error", [None, ValueError("no"), PermanentError("no"), JobTimeout()])
def test_transaction_at_its_end_closes_the_connection(
    database: Database, database_url: str, error: BaseException | None
) -> None:
    with suppress(Exception, JobTimeout), database.transaction() as cursor:
        cursor.execute("SELECT pg_backend_pid() AS pid")
        pid = (cursor.fetchone() or {})["pid"]
        if error:
            raise error

    gone = "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = %s)"
    eventually(lambda: fetch(database_url, gone, pid))


@pytest.mark.parametrize(
    ("setting", "value"),
    [("timezone", "UTC"), ("statement_timeout", "5s"), ("application_name", "preppath-workers")],
)
def test_transaction_has_the_clients_settings(database: Database, setting: str, value: str) -> None:
    assert first_value(database, f"SHOW {setting}") == value


def test_transaction_after_a_rollback_has_the_clients_settings(database: Database) -> None:
    with pytest.raises(PermanentError), database.transaction() as cursor:
        cursor.execute("SELECT 1/0")

    assert first_value(database, "SHOW statement_timeout") == "5s"


def test_transaction_with_a_prisma_url_uses_its_schema(database_url: str) -> None:
    execute(database_url, 'CREATE SCHEMA "Prep"; CREATE TABLE "Prep".t AS SELECT 7 AS a')
    url = f"{database_url}?schema=Prep&connection_limit=5&pgbouncer=true"

    assert first_value(Database(url), "SELECT a FROM t") == 7


def test_failed_statement_that_the_block_swallows_raises_at_the_commit(database: Database) -> None:
    def work() -> None:
        with database.transaction() as cursor, suppress(psycopg2.Error):
            cursor.execute("SELECT 1/0")

    with pytest.raises(TransientError, match="rolled back the transaction"):
        work()
