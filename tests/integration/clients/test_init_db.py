"""The command init-db, on a real database."""

from __future__ import annotations

import argparse
import re
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from preppath_workers.cli import init_db
from preppath_workers.cli.check.postgres import NEEDED
from preppath_workers.clients.postgres.schema import TABLES

README = Path(__file__).parents[3] / "systemd/README.md"


def run() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--config")
    init_db.add_parser(parser.add_subparsers())
    args = parser.parse_args(["init-db"])
    code: int = args.run(args)
    return code


def columns(url: str) -> set[tuple[str, str, str, str]]:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns "
            "WHERE table_schema = 'public'"
        )
        return set(cursor.fetchall())


@pytest.fixture(autouse=True)
def _database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)


def test_init_db_of_an_empty_database_creates_every_table(
    capsys: pytest.CaptureFixture[str], database_url: str
) -> None:
    assert run() == 0

    assert capsys.readouterr().out.splitlines() == [f"{table}: created" for table in TABLES]
    assert {table for table, *_ in columns(database_url)} == set(TABLES)
    assert ("interview_recordings", "updatedAt") not in {column[:2] for column in columns(database_url)}
    times = {kind for _, name, kind, _ in columns(database_url) if name.endswith("At")}
    assert times == {"timestamp without time zone"}


def test_init_db_run_again_changes_nothing(capsys: pytest.CaptureFixture[str], database_url: str) -> None:
    run()
    before = columns(database_url)
    capsys.readouterr()

    assert run() == 0

    assert capsys.readouterr().out.splitlines() == [f"{table}: already exists" for table in TABLES]
    assert columns(database_url) == before


def test_init_db_with_an_existing_table_leaves_it_unchanged(
    capsys: pytest.CaptureFixture[str], database_url: str
) -> None:
    with closing(psycopg2.connect(database_url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE interviews (id text, private text)")

    assert run() == 0

    assert capsys.readouterr().out.splitlines()[:2] == [
        "interviews: already exists",
        "interview_questions: created",
    ]
    assert {name for table, name, *_ in columns(database_url) if table == "interviews"} == {"id", "private"}


@pytest.fixture
def least_rights(database_url: str) -> Iterator[str]:
    """The URL of a user with only the privileges of the README's GRANT lines."""
    grants = re.findall(r"^GRANT .+?;$", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert grants
    name = f"least_{uuid.uuid4().hex[:8]}"
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        cursor.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'secret'")
        run()
        for grant in grants:
            cursor.execute(re.sub(r"\bpreppath_workers\b", name, grant))
        yield re.sub(r"//[^@/]*@?", f"//{name}:secret@", database_url, count=1)
        cursor.execute(f"DROP OWNED BY {name}")
        cursor.execute(f"DROP ROLE {name}")


def test_init_db_by_a_least_privileged_user_finds_every_table(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, least_rights: str
) -> None:
    capsys.readouterr()
    monkeypatch.setenv("DATABASE_URL", least_rights)
    assert run() == 0
    assert capsys.readouterr().out.splitlines() == [f"{table}: already exists" for table in TABLES]


def test_init_db_without_the_right_to_create_names_the_missing_table(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, least_rights: str, database_url: str
) -> None:
    with closing(psycopg2.connect(database_url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE answer_feedback")
    monkeypatch.setenv("DATABASE_URL", least_rights)
    assert run() == 1
    assert capsys.readouterr().err.startswith("init-db: cannot create answer_feedback: ")


def test_privileges_of_the_readme_satisfy_check(least_rights: str) -> None:
    with closing(psycopg2.connect(least_rights)) as connection, connection.cursor() as cursor:
        for table, needs in NEEDED.items():
            for right in needs.rights:
                cursor.execute("SELECT has_table_privilege(%s, %s)", (table, right))
                assert cursor.fetchone() == (True,), (table, right)


def test_init_db_without_a_database_gives_the_reason(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:secret@127.0.0.1:1/preppath")

    assert run() == 1

    error = capsys.readouterr().err
    assert error.startswith("init-db: PostgreSQL: no connection to 127.0.0.1, port 1: Connection refused")
    assert "secret" not in error
