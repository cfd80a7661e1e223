from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest

from preppath_workers.clients.database import Database
from preppath_workers.dev.postgres import PostgresServer
from preppath_workers.errors import (
    ConfigError,
    JobError,
    JobTimeout,
    PermanentError,
    ServiceError,
    TransientError,
)
from tests.conftest import Given

from .databases import new_database


@pytest.fixture(scope="module")
def shared_database_url(database_server: PostgresServer | Given) -> Iterator[str]:
    with new_database(database_server.url) as url:
        yield url


@pytest.fixture
def database_url(shared_database_url: str) -> Iterator[str]:
    """The URL of a database that is empty."""
    yield shared_database_url
    run(shared_database_url, 'DROP SCHEMA public CASCADE; DROP SCHEMA IF EXISTS "Prep" CASCADE')
    run(shared_database_url, "CREATE SCHEMA public")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with closing(Database(database_url, statement_timeout=5)) as database:
        yield database


def one(database: Database, statement: str, *values: object) -> object:
    """The first value of the first row."""
    with database.transaction() as cursor:
        cursor.execute(statement, values or None)
        return next(iter((cursor.fetchone() or {}).values()), None)


def run(url: str, statement: str, *values: object) -> None:
    """Runs the statement on a connection of its own."""
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement, values or None)


def test_a_transaction_commits_at_its_end(database: Database) -> None:
    with database.transaction() as cursor:
        cursor.execute("CREATE TABLE t (a integer)")
        cursor.execute("INSERT INTO t VALUES (1)")

    assert one(database, "SELECT a FROM t") == 1


@pytest.mark.parametrize("error", [PermanentError("no"), ValueError("no"), JobTimeout()])
def test_a_transaction_that_raises_leaves_nothing(database: Database, error: BaseException) -> None:
    def work() -> None:
        with database.transaction() as cursor:
            cursor.execute("CREATE TABLE t (a integer)")
            raise error

    with pytest.raises(type(error)):
        work()
    assert one(database, "SELECT to_regclass('t')") is None


def test_one_connection_serves_all_transactions(database: Database) -> None:
    assert len({one(database, "SELECT pg_backend_pid()") for _ in range(3)}) == 1


@pytest.mark.parametrize(
    ("setting", "value"),
    [("timezone", "UTC"), ("statement_timeout", "5s"), ("application_name", "preppath-workers")],
)
def test_the_settings_of_a_transaction(database: Database, setting: str, value: str) -> None:
    assert one(database, f"SHOW {setting}") == value


def test_settings_hold_after_a_rollback(database: Database) -> None:
    with pytest.raises(PermanentError), database.transaction() as cursor:
        cursor.execute("SELECT 1/0")

    assert one(database, "SHOW statement_timeout") == "5s"


def test_the_schema_of_a_prisma_url_is_the_search_path(database_url: str) -> None:
    run(database_url, 'CREATE SCHEMA "Prep"; CREATE TABLE "Prep".t AS SELECT 7 AS a')
    url = f"{database_url}?schema=Prep&connection_limit=5&pgbouncer=true"

    with closing(Database(url)) as database:
        assert one(database, "SELECT a FROM t") == 7


#: What a table says of a failure: the job's own, the service's, refused to every job, or of unknown cause.
JOB, SERVICE, ALL, UNKNOWN = "job", "service", "all", "unknown"


def verdict(error: JobError) -> str:
    """Whose failure it is."""
    if not isinstance(error, ServiceError):
        return {PermanentError: JOB, TransientError: UNKNOWN}[type(error)]
    assert (error.service, error.may_be_paid) == ("postgresql", False)
    return ALL if error.refuses_all else SERVICE


@pytest.mark.parametrize(
    ("sqlstate", "expected"),
    [
        ("08006", SERVICE),  # connection failure
        ("55P03", SERVICE),  # lock not available
        ("57014", SERVICE),  # statement timeout
        ("57P01", SERVICE),  # server shut down
        ("57P03", SERVICE),  # server starts
        ("53100", SERVICE),  # disk full
        ("53200", SERVICE),  # out of memory
        ("53300", SERVICE),  # too many connections
        ("25006", SERVICE),  # read-only, as a standby is
        ("25P03", SERVICE),  # idle in the transaction for too long
        ("58030", SERVICE),  # input or output failed
        ("XX000", SERVICE),  # internal error
        ("23502", SERVICE),  # NULL in a column that takes none: the job's value, or the schema's new column
        ("28P01", ALL),  # wrong password
        ("3D000", ALL),  # no such database
        ("3F000", ALL),  # no such schema
        ("42P01", ALL),  # no such table
        ("42703", ALL),  # no such column
        ("42883", ALL),  # no such function
        ("42P10", ALL),  # no unique constraint that ON CONFLICT names
        ("42501", ALL),  # no privilege
        ("0A000", ALL),  # not supported
        ("22001", JOB),  # text too long
        ("22P02", JOB),  # no number
        ("23505", JOB),  # unique violation
        ("23503", JOB),  # foreign key violation
        ("54000", JOB),  # row too large for its index
        ("40001", UNKNOWN),  # serialization failure
        ("40P01", UNKNOWN),  # deadlock
        ("P0001", UNKNOWN),  # exception of a trigger
    ],
)
def test_error_of_a_statement_is_charged_to_its_cause(
    database: Database, sqlstate: str, expected: str
) -> None:
    with pytest.raises(JobError) as caught, database.transaction() as cursor:
        cursor.execute(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{sqlstate}', MESSAGE = 'why'; END $$")

    assert verdict(caught.value) == expected
    assert str(caught.value) == f"PostgreSQL {sqlstate}: why"
    assert one(database, "SELECT 1") == 1, "the next transaction is not affected"


def test_value_that_psycopg2_cannot_adapt_is_the_jobs_failure(database: Database) -> None:
    with pytest.raises(PermanentError, match="can't adapt"), database.transaction() as cursor:
        cursor.execute("SELECT %s", [{"a": 1}])


def test_a_statement_that_takes_too_long_is_cancelled(database_url: str) -> None:
    with closing(Database(database_url, statement_timeout=0.3)) as database:
        with pytest.raises(ServiceError, match="57014"), database.transaction() as cursor:
            cursor.execute("SELECT pg_sleep(30)")

        assert one(database, "SELECT 1") == 1


def test_messages_do_not_quote_the_row(database: Database) -> None:
    with database.transaction() as cursor:
        cursor.execute("CREATE TABLE t (a text UNIQUE)")

    with pytest.raises(PermanentError) as caught, database.transaction() as cursor:
        cursor.execute("INSERT INTO t VALUES (%s), (%s)", ["what she said", "what she said"])

    assert "what she said" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_connection_lost_in_a_transaction_is_the_services_failure(
    database: Database, database_url: str
) -> None:
    def work() -> None:
        with database.transaction() as cursor:
            cursor.execute("SELECT pg_backend_pid() AS pid")
            run(database_url, "SELECT pg_terminate_backend(%s, 5000)", cursor.fetchone()["pid"])
            cursor.execute("SELECT 1")

    with pytest.raises(ServiceError, match=r"server closed the connection|administrator command"):
        work()
    assert one(database, "SELECT 1") == 1


def test_a_rollback_that_was_cut_short_is_not_committed(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_short(_: Database) -> None:
        raise JobTimeout

    def work() -> None:
        with database.transaction() as cursor:
            cursor.execute("CREATE TABLE t (a integer)")
            raise ValueError

    with monkeypatch.context() as patch:
        patch.setattr(Database, "_rollback", cut_short)
        with pytest.raises(JobTimeout):
            work()

    assert one(database, "SELECT to_regclass('t')") is None


def test_a_connection_lost_while_idle_costs_no_attempt(database: Database, database_url: str) -> None:
    run(database_url, "SELECT pg_terminate_backend(%s, 5000)", one(database, "SELECT pg_backend_pid()"))

    assert one(database, "SELECT 1") == 1


def test_no_server_is_the_services_failure_and_no_secret_is_told() -> None:
    database = Database("postgresql://me:t0p%2Fsecret@127.0.0.1:1/preppath")

    with pytest.raises(ServiceError, match=r"127\.0\.0\.1") as caught, database.transaction():
        pass

    assert "secret" not in str(caught.value)
    assert verdict(caught.value) == SERVICE
    assert caught.value.__suppress_context__


def test_an_unreadable_url_is_a_matter_of_configuration() -> None:
    with pytest.raises(ConfigError) as caught:
        Database("postgresql://me:100%secret@db/preppath")

    assert "secret" not in str(caught.value)


def test_a_serialization_failure_is_transient(database_url: str) -> None:
    run(database_url, "CREATE TABLE t AS SELECT 1 AS a")
    isolated = f"{database_url}?options=-c%20default_transaction_isolation%3Drepeatable%5C%20read"

    with closing(Database(isolated)) as database:

        def work() -> None:
            with database.transaction() as cursor:
                cursor.execute("SELECT a FROM t")
                run(database_url, "UPDATE t SET a = 2")
                cursor.execute("UPDATE t SET a = 3")

        with pytest.raises(TransientError, match="40001"):
            work()
        assert one(database, "SELECT a FROM t") == 2


def test_a_deadlock_is_transient_for_one_of_the_two(database: Database, database_url: str) -> None:
    run(database_url, "CREATE TABLE t AS SELECT generate_series(1, 2) AS a")
    lock = "SELECT a FROM t WHERE a = %s FOR UPDATE"
    outcomes: list[str] = []

    def work(own: Database, first: int, second: int) -> None:
        try:
            with own.transaction() as cursor:
                cursor.execute("SET LOCAL deadlock_timeout = '50ms'")
                cursor.execute(lock, [first])
                both_locked.wait(5)
                cursor.execute(lock, [second])
        except TransientError as error:
            outcomes.append(str(error).partition(":")[0])
        else:
            outcomes.append("done")

    both_locked = threading.Barrier(2)
    with closing(Database(database_url, statement_timeout=5)) as other:
        thread = threading.Thread(target=work, args=(other, 2, 1))
        thread.start()
        work(database, 1, 2)
        thread.join(10)

    assert sorted(outcomes) == ["PostgreSQL 40P01", "done"]
