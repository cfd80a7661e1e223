"""Timeouts of the PostgreSQL client: the server's, the connection's and the job's."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import psycopg2
import pytest

from preppath_workers.clients.postgres.client import Database
from preppath_workers.errors import JobTimeout, ServiceError
from tests.conftest import ExternalServer
from tests.support.databases import fetch, first_value
from tests.support.postgres import PostgresServer
from tests.support.waiting import eventually


def test_statement_over_its_timeout_is_cancelled(database_url: str) -> None:
    database = Database(database_url, statement_timeout=0.3)
    with pytest.raises(ServiceError, match="57014"), database.transaction() as cursor:
        cursor.execute("SELECT pg_sleep(30)")


def test_transaction_of_a_process_that_stands_still_releases_its_locks(database_url: str) -> None:
    lock = "SELECT pg_advisory_xact_lock(77)"
    with suppress(ServiceError), Database(database_url, idle_timeout=0.2).transaction() as cursor:
        cursor.execute(lock)
        first_value(Database(database_url), lock)  # returns when the first transaction has ended
        with pytest.raises(psycopg2.errors.IdleInTransactionSessionTimeout):
            cursor.execute("SELECT 1")


@pytest.fixture
def silent_server() -> Iterator[str]:
    """The URL of a server that accepts connections and never answers, like a frozen one."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"postgresql://me@127.0.0.1:{server.getsockname()[1]}/preppath"


def test_job_timeout_while_connecting_is_raised(silent_server: str, alarm: Callable[[float], None]) -> None:
    database = Database(silent_server, connect_timeout=30)
    alarm(0.2)

    with pytest.raises(JobTimeout):
        first_value(database, "SELECT 1")


def test_job_timeout_in_a_statement_closes_its_connection(
    database: Database, database_url: str, alarm: Callable[[float], None]
) -> None:
    def work() -> None:
        with database.transaction() as cursor:
            cursor.execute("SELECT pg_backend_pid() AS pid")
            pids.append((cursor.fetchone() or {})["pid"])
            alarm(0.2)
            cursor.execute("SELECT pg_sleep(1)")

    pids: list[int] = []
    with pytest.raises(JobTimeout):
        work()

    assert first_value(database, "SELECT 1") == 1
    gone = "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = %s)"
    eventually(lambda: fetch(database_url, gone, pids[0]))


def test_connection_without_an_answer_times_out(silent_server: str) -> None:
    database = Database(f"{silent_server}?connect_timeout=1")

    with pytest.raises(ServiceError, match=r"no connection to .*: no answer within 1 s"):
        first_value(database, "SELECT 1")


def test_statement_without_an_answer_times_out(
    database_url: str, database_server: PostgresServer | ExternalServer
) -> None:
    if isinstance(database_server, ExternalServer):
        pytest.skip("needs a server of its own")
    database, frozen = Database(database_url, statement_timeout=0.2, grace=0.3), []

    def work() -> None:
        with database.transaction() as cursor:
            cursor.execute("SELECT pg_backend_pid() AS pid")
            frozen.append((cursor.fetchone() or {})["pid"])
            os.kill(frozen[0], signal.SIGSTOP)
            cursor.execute("SELECT 1")

    try:
        with pytest.raises(ServiceError, match=r"no answer within 0\.5 s"):
            work()
    finally:
        os.kill(frozen[0], signal.SIGCONT)


def test_connection_with_a_silent_first_host_uses_the_next(silent_server: str, database_url: str) -> None:
    silent, real = urlsplit(silent_server), urlsplit(database_url)
    hosts = f"{silent.hostname}:{silent.port},{real.hostname}:{real.port}"

    database = Database(f"postgresql://postgres@{hosts}{real.path}?connect_timeout=1")

    assert first_value(database, "SELECT 1") == 1
