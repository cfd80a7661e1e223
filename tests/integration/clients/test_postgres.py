from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from types import FrameType
from urllib.parse import urlsplit

import psycopg2
import pytest

from preppath_workers.clients.postgres.client import Database
from preppath_workers.errors import (
    ConfigError,
    JobError,
    JobTimeout,
    MachineError,
    PermanentError,
    ServiceError,
    TransientError,
)
from tests.conftest import ExternalServer
from tests.support.postgres import PostgresServer
from tests.support.waiting import eventually

from .databases import new_database
from .shortages import no_descriptors


@pytest.fixture(scope="module")
def shared_database_url(database_server: PostgresServer | ExternalServer) -> Iterator[str]:
    with new_database(database_server.url) as url:
        yield url


@pytest.fixture
def database_url(shared_database_url: str) -> Iterator[str]:
    """The URL of a database that is empty."""
    yield shared_database_url
    run(shared_database_url, 'DROP SCHEMA public CASCADE; DROP SCHEMA IF EXISTS "Prep" CASCADE')
    run(shared_database_url, "CREATE SCHEMA public")


@pytest.fixture
def database(database_url: str) -> Database:
    return Database(database_url, statement_timeout=5)


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


def fetch(url: str, statement: str, *values: object) -> object:
    """The first value of the first row, on a connection of its own."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return (cursor.fetchone() or (None,))[0]


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


@pytest.mark.parametrize("error", [None, ValueError("no"), PermanentError("no"), JobTimeout()])
def test_transaction_at_its_end_leaves_no_connection(
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
def test_the_settings_of_a_transaction(database: Database, setting: str, value: str) -> None:
    assert one(database, f"SHOW {setting}") == value


def test_settings_hold_after_a_rollback(database: Database) -> None:
    with pytest.raises(PermanentError), database.transaction() as cursor:
        cursor.execute("SELECT 1/0")

    assert one(database, "SHOW statement_timeout") == "5s"


def test_the_schema_of_a_prisma_url_is_the_search_path(database_url: str) -> None:
    run(database_url, 'CREATE SCHEMA "Prep"; CREATE TABLE "Prep".t AS SELECT 7 AS a')
    url = f"{database_url}?schema=Prep&connection_limit=5&pgbouncer=true"

    assert one(Database(url), "SELECT a FROM t") == 7


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
    database = Database(database_url, statement_timeout=0.3)
    with pytest.raises(ServiceError, match="57014"), database.transaction() as cursor:
        cursor.execute("SELECT pg_sleep(30)")


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

    with pytest.raises(ServiceError, match="57P01"):
        work()
    assert one(database, "SELECT 1") == 1


def test_failed_statement_that_the_block_swallows_is_not_taken_for_a_commit(database: Database) -> None:
    def work() -> None:
        with database.transaction() as cursor, suppress(psycopg2.Error):
            cursor.execute("SELECT 1/0")

    with pytest.raises(TransientError, match="rolled the transaction back"):
        work()


def test_no_server_is_the_services_failure_and_no_secret_is_told() -> None:
    database = Database("postgresql://me:t0p%2Fsecret@127.0.0.1:1/preppath")

    with pytest.raises(ServiceError) as caught, database.transaction():
        pass

    assert str(caught.value) == "PostgreSQL: no connection to 127.0.0.1, port 1: Connection refused"

    assert "secret" not in str(caught.value)
    assert verdict(caught.value) == SERVICE
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("change", "expected", "told"),
    [
        (("/test_", "/no_such_"), ALL, "3D000"),
        (("postgres@", "nobody:t0psecret@"), ALL, "28000"),
    ],
)
def test_refused_connection_is_judged_by_its_sqlstate(
    database_url: str, change: tuple[str, str], expected: str, told: str
) -> None:
    database = Database(database_url.replace(*change))

    with (
        pytest.raises(JobError, match=f"^PostgreSQL {told}: no connection to") as caught,
        database.transaction(),
    ):
        pass

    assert verdict(caught.value) == expected
    assert "LOCATION" not in str(caught.value)


def test_no_free_connection_is_the_services_failure(database_url: str) -> None:
    run(database_url, "CREATE ROLE crowd LOGIN CONNECTION LIMIT 0")
    try:
        with pytest.raises(ServiceError, match="53300") as caught:
            one(Database(database_url.replace("postgres@", "crowd@")), "SELECT 1")
    finally:
        run(database_url, "DROP ROLE crowd")

    assert not caught.value.refuses_all


def test_connection_without_a_free_descriptor_is_the_machines_failure(database: Database) -> None:
    one(database, "SELECT 1")

    with no_descriptors(), pytest.raises(MachineError) as caught:
        one(database, "SELECT 1")

    assert caught.value.resource == "descriptors"


def test_an_unreadable_url_is_a_matter_of_configuration() -> None:
    with pytest.raises(ConfigError) as caught:
        Database("postgresql://me:100%secret@db/preppath")

    assert "secret" not in str(caught.value)


def test_a_serialization_failure_is_transient(database_url: str) -> None:
    run(database_url, "CREATE TABLE t AS SELECT 1 AS a")
    isolated = f"{database_url}?options=-c%20default_transaction_isolation%3Drepeatable%5C%20read"

    database = Database(isolated)

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
    other = Database(database_url, statement_timeout=5)
    thread = threading.Thread(target=work, args=(other, 2, 1))
    thread.start()
    work(database, 1, 2)
    thread.join(10)

    assert sorted(outcomes) == ["PostgreSQL 40P01", "done"]


@pytest.fixture
def alarm() -> Iterator[Callable[[float], None]]:
    """Has a signal handler raise JobTimeout in so many seconds, as a worker's does."""

    def ring(_number: int, _frame: FrameType | None) -> None:
        raise JobTimeout

    before = signal.signal(signal.SIGALRM, ring)
    yield lambda seconds: (signal.setitimer(signal.ITIMER_REAL, seconds), None)[1]
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def silent_server() -> Iterator[str]:
    """The URL of a server that takes connections and never says a word, as one that is frozen."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"postgresql://me@127.0.0.1:{server.getsockname()[1]}/preppath"


def test_time_limit_interrupts_a_wait_for_a_connection(
    silent_server: str, alarm: Callable[[float], None]
) -> None:
    database = Database(silent_server, connect_timeout=30)
    alarm(0.2)

    with pytest.raises(JobTimeout):
        one(database, "SELECT 1")


def test_time_limit_interrupts_a_statement_and_its_connection_is_gone(
    database: Database, database_url: str, alarm: Callable[[float], None]
) -> None:
    def work() -> None:
        with database.transaction() as cursor:
            cursor.execute("SELECT pg_backend_pid() AS pid")
            pids.append((cursor.fetchone() or {})["pid"])
            alarm(0.2)
            cursor.execute("SELECT pg_sleep(3)")

    pids: list[int] = []
    with pytest.raises(JobTimeout):
        work()

    assert one(database, "SELECT 1") == 1
    gone = "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = %s)"
    eventually(lambda: fetch(database_url, gone, pids[0]))


def test_server_that_never_answers_a_connection_is_given_up(silent_server: str) -> None:
    database = Database(f"{silent_server}?connect_timeout=1")

    with pytest.raises(ServiceError, match=r"no connection to .*: no answer within 1 s"):
        one(database, "SELECT 1")


def test_server_that_never_answers_a_statement_is_given_up(
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


def test_address_that_never_answers_does_not_hide_the_next(silent_server: str, database_url: str) -> None:
    silent, real = urlsplit(silent_server), urlsplit(database_url)
    hosts = f"{silent.hostname}:{silent.port},{real.hostname}:{real.port}"

    database = Database(f"postgresql://postgres@{hosts}{real.path}?connect_timeout=1")

    assert one(database, "SELECT 1") == 1
