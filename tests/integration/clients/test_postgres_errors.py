"""How the PostgreSQL client classifies its errors."""

from __future__ import annotations

import threading

import pytest

from preppath_workers.clients.postgres.client import Database
from preppath_workers.errors import (
    ConfigError,
    JobError,
    MachineError,
    PermanentError,
    ServiceError,
    TransientError,
)
from tests.support.databases import execute, first_value

from .shortages import no_descriptors

#: Cause of a failure: the job, the service, a refusal of every job, or unknown.
JOB, SERVICE, ALL, UNKNOWN = "job", "service", "all", "unknown"


def classification(error: JobError) -> str:
    """The cause that the error's class and fields say."""
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
        ("25P04", SERVICE),  # in a transaction for too long, since PostgreSQL 17
        ("F0000", SERVICE),  # configuration file
        ("58030", SERVICE),  # input or output failed
        ("XX000", SERVICE),  # internal error
        ("23502", SERVICE),  # NULL in a NOT NULL column: the job's value, or a new column of the schema
        ("28P01", ALL),  # wrong password
        ("3D000", ALL),  # no such database
        ("3F000", ALL),  # no such schema
        ("42P01", ALL),  # no such table
        ("42703", ALL),  # no such column
        ("42883", ALL),  # no such function
        ("42P10", ALL),  # no unique constraint that ON CONFLICT names
        ("42501", ALL),  # no privilege
        ("0A000", ALL),  # not supported
        ("22001", UNKNOWN),  # text too long: the job's, or for a column that was made shorter
        ("22003", UNKNOWN),  # number out of the column's range
        ("23514", UNKNOWN),  # check violation
        ("22P02", JOB),  # not a number
        ("23505", JOB),  # unique violation
        ("23503", JOB),  # foreign key violation
        ("54000", JOB),  # row too large for its index
        ("40001", UNKNOWN),  # serialization failure
        ("40P01", UNKNOWN),  # deadlock
        ("P0001", UNKNOWN),  # exception of a trigger
    ],
)
def test_error_of_a_statement_is_classified_by_its_sqlstate(
    database: Database, sqlstate: str, expected: str
) -> None:
    with pytest.raises(JobError) as caught, database.transaction() as cursor:
        cursor.execute(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{sqlstate}', MESSAGE = 'why'; END $$")

    assert classification(caught.value) == expected
    assert str(caught.value) == f"PostgreSQL {sqlstate}: why"
    assert first_value(database, "SELECT 1") == 1, "the next transaction is not affected"


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("SELECT 1 FROM t WHERE id = %s", JOB),
        ("\n select 1 FROM t WHERE id = %s", JOB),
        ("INSERT INTO t (id) VALUES (%s)", UNKNOWN),
        ("UPDATE t SET id = %s", UNKNOWN),
    ],
)
def test_value_out_of_the_range_of_its_column_is_the_jobs_if_it_is_only_looked_for(
    database: Database, statement: str, expected: str
) -> None:
    """No row can have such an id. Five jobs with one took the queue out of service, and were probed until
    the end of its patience."""
    with database.transaction() as cursor:
        cursor.execute("CREATE TABLE t (id bigint)")

    with pytest.raises(JobError, match="22003") as caught, database.transaction() as cursor:
        cursor.execute(statement, ["9" * 20])

    assert classification(caught.value) == expected


def test_value_that_psycopg2_cannot_adapt_is_a_permanent_error(database: Database) -> None:
    with pytest.raises(PermanentError, match="can't adapt"), database.transaction() as cursor:
        cursor.execute("SELECT %s", [{"a": 1}])


@pytest.mark.parametrize("kind", ["json", "jsonb"])
@pytest.mark.parametrize(
    "text", ["[" * 10_000 + "]" * 10_000, "9" * 5_000], ids=["nested deeply", "a long number"]
)
def test_json_that_python_cannot_read_is_a_permanent_error(database: Database, kind: str, text: str) -> None:
    """It counted as a bug: five such rows took the queue out of service."""
    with database.transaction() as cursor:
        cursor.execute(f"SELECT '{text}'::{kind}")
        with pytest.raises(PermanentError, match=r"^cannot read JSON of PostgreSQL: "):
            cursor.fetchone()


def test_error_of_a_statement_does_not_quote_the_row(database: Database) -> None:
    with database.transaction() as cursor:
        cursor.execute("CREATE TABLE t (a text UNIQUE)")

    with pytest.raises(PermanentError) as caught, database.transaction() as cursor:
        cursor.execute("INSERT INTO t VALUES (%s), (%s)", ["what she said", "what she said"])

    assert "what she said" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_connection_lost_in_a_transaction_is_a_service_error(database: Database, database_url: str) -> None:
    def work() -> None:
        with database.transaction() as cursor:
            cursor.execute("SELECT pg_backend_pid() AS pid")
            execute(database_url, "SELECT pg_terminate_backend(%s, 5000)", cursor.fetchone()["pid"])
            cursor.execute("SELECT 1")

    with pytest.raises(ServiceError, match="57P01"):
        work()
    assert first_value(database, "SELECT 1") == 1


def test_unreachable_server_is_a_service_error_without_secrets() -> None:
    database = Database("postgresql://me:t0p%2Fsecret@127.0.0.1:1/preppath")

    with pytest.raises(ServiceError) as caught, database.transaction():
        pass

    assert str(caught.value) == "PostgreSQL: no connection to 127.0.0.1, port 1: Connection refused"

    assert "secret" not in str(caught.value)
    assert classification(caught.value) == SERVICE
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("change", "expected", "sqlstate"),
    [
        (("/test_", "/no_such_"), ALL, "3D000"),
        (("postgres@", "unknown:t0psecret@"), ALL, "28000"),
    ],
)
def test_refused_connection_is_classified_by_its_sqlstate(
    database_url: str, change: tuple[str, str], expected: str, sqlstate: str
) -> None:
    database = Database(database_url.replace(*change))

    with (
        pytest.raises(JobError, match=f"^PostgreSQL {sqlstate}: no connection to") as caught,
        database.transaction(),
    ):
        pass

    assert classification(caught.value) == expected
    assert "LOCATION" not in str(caught.value)


def test_connection_limit_reached_is_a_service_error(database_url: str) -> None:
    execute(database_url, "CREATE ROLE without_connections LOGIN CONNECTION LIMIT 0")
    try:
        with pytest.raises(ServiceError, match="53300") as caught:
            first_value(Database(database_url.replace("postgres@", "without_connections@")), "SELECT 1")
    finally:
        execute(database_url, "DROP ROLE without_connections")

    assert not caught.value.refuses_all


def test_connection_without_a_free_descriptor_is_a_machine_error(database: Database) -> None:
    first_value(database, "SELECT 1")

    with no_descriptors(), pytest.raises(MachineError) as caught:
        first_value(database, "SELECT 1")

    assert caught.value.resource == "descriptors"


def test_malformed_url_is_a_configuration_error_without_secrets() -> None:
    with pytest.raises(ConfigError) as caught:
        Database("postgresql://me:100%secret@db/preppath")

    assert "secret" not in str(caught.value)


def test_serialization_failure_is_a_transient_error(database_url: str) -> None:
    execute(database_url, "CREATE TABLE t AS SELECT 1 AS a")
    isolated = f"{database_url}?options=-c%20default_transaction_isolation%3Drepeatable%5C%20read"

    database = Database(isolated)

    def work() -> None:
        with database.transaction() as cursor:
            cursor.execute("SELECT a FROM t")
            execute(database_url, "UPDATE t SET a = 2")
            cursor.execute("UPDATE t SET a = 3")

    with pytest.raises(TransientError, match="40001"):
        work()
    assert first_value(database, "SELECT a FROM t") == 2


def test_deadlock_is_a_transient_error_for_one_transaction(database: Database, database_url: str) -> None:
    execute(database_url, "CREATE TABLE t AS SELECT generate_series(1, 2) AS a")
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
