from __future__ import annotations

import argparse
from contextlib import closing

import psycopg2
import pytest

from preppath_workers.clients.schema import TABLES
from preppath_workers.commands import init_db


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


def test_an_empty_database_gets_every_table(capsys: pytest.CaptureFixture[str], database_url: str) -> None:
    assert run() == 0

    assert capsys.readouterr().out.splitlines() == [f"{table}: created" for table in TABLES]
    assert {table for table, *_ in columns(database_url)} == set(TABLES)
    assert ("interview_recordings", "updatedAt") not in {column[:2] for column in columns(database_url)}
    times = {kind for _, name, kind, _ in columns(database_url) if name.endswith("At")}
    assert times == {"timestamp without time zone"}


def test_the_second_time_changes_nothing(capsys: pytest.CaptureFixture[str], database_url: str) -> None:
    run()
    before = columns(database_url)
    capsys.readouterr()

    assert run() == 0

    assert capsys.readouterr().out.splitlines() == [f"{table}: already there" for table in TABLES]
    assert columns(database_url) == before


def test_a_table_of_preppath_is_left_as_it_is(capsys: pytest.CaptureFixture[str], database_url: str) -> None:
    with closing(psycopg2.connect(database_url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE interviews (id text, private text)")

    assert run() == 0

    assert capsys.readouterr().out.splitlines()[:2] == [
        "interviews: already there",
        "interview_questions: created",
    ]
    assert {name for table, name, *_ in columns(database_url) if table == "interviews"} == {"id", "private"}


def test_without_a_database_it_says_why(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:secret@127.0.0.1:1/preppath")

    assert run() == 1

    error = capsys.readouterr().err
    assert error.startswith("init-db: PostgreSQL: no connection to 127.0.0.1, port 1: Connection refused")
    assert "secret" not in error
