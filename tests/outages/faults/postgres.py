"""Failures of PostgreSQL by its own means."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.outages.environment import PASSWORD, USER, Environment

_END_SESSIONS = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{USER}'"  # noqa: S608
_RELOAD = "SELECT pg_reload_conf()"


@contextmanager
def has_no_connections(environment: Environment) -> Iterator[None]:
    """53300, too many connections; the workers' sessions are ended."""
    environment.sql(f"ALTER ROLE {USER} CONNECTION LIMIT 0", _END_SESSIONS)
    yield
    environment.sql(f"ALTER ROLE {USER} CONNECTION LIMIT -1")


@contextmanager
def refuses_password(environment: Environment) -> Iterator[None]:
    """28P01, wrong password; the workers' sessions are ended."""
    environment.sql(f"ALTER ROLE {USER} PASSWORD 'another'", _END_SESSIONS)
    yield
    environment.sql(f"ALTER ROLE {USER} PASSWORD '{PASSWORD}'")


@contextmanager
def is_read_only(environment: Environment) -> Iterator[None]:
    """25006 for every write, also in sessions that are already open."""
    environment.sql("ALTER SYSTEM SET default_transaction_read_only = on", _RELOAD)
    yield
    environment.sql("ALTER SYSTEM RESET default_transaction_read_only", _RELOAD)


@contextmanager
def raises(environment: Environment, sqlstate: str, message: str) -> Iterator[None]:
    """This error for every write to the tables of the jobs, raised by a trigger."""
    environment.sql(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION USING ERRCODE = '{sqlstate}', MESSAGE = '{message}'; END $$",
        "CREATE TRIGGER fail BEFORE INSERT OR UPDATE ON answer_feedback EXECUTE FUNCTION fail()",
    )
    yield
    environment.sql("DROP FUNCTION fail CASCADE")
