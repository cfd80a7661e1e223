"""Databases and environments with other encodings than UTF-8."""

from __future__ import annotations

import pytest

from preppath_workers.clients.postgres.client import Database
from preppath_workers.errors import PermanentError
from tests.conftest import ExternalServer
from tests.support.databases import new_database
from tests.support.postgres import PostgresServer

LATIN, ANY = "naïve", "naïve “q” 日本 \N{GRINNING FACE}"


def stored(database: Database, text: str) -> object:
    """Store a text and return what is read back."""
    with database.transaction() as cursor:
        cursor.execute("CREATE TABLE t (a text); INSERT INTO t VALUES (%s)", [text])
        cursor.execute("SELECT a FROM t")
        return (cursor.fetchone() or {})["a"]


@pytest.mark.parametrize("client", ["LATIN1", "SQL_ASCII"])
@pytest.mark.parametrize("where", ["environment", "url"])
def test_text_of_any_script_is_stored_whatever_encoding_the_client_is_set_to(
    database_url: str, monkeypatch: pytest.MonkeyPatch, client: str, where: str
) -> None:
    if where == "environment":
        monkeypatch.setenv("PGCLIENTENCODING", client)
    else:
        database_url += f"{'&' if '?' in database_url else '?'}client_encoding={client}"

    assert stored(Database(database_url), ANY) == ANY


@pytest.mark.parametrize(("encoding", "text"), [("SQL_ASCII", ANY), ("LATIN1", LATIN), ("EUC_JP", "日本")])
def test_database_with_another_encoding_stores_what_it_has(
    database_server: PostgresServer | ExternalServer, encoding: str, text: str
) -> None:
    with new_database(database_server.url, encoding) as url:
        assert stored(Database(url), text) == text


def test_text_that_the_encoding_of_the_database_lacks_is_a_permanent_error(
    database_server: PostgresServer | ExternalServer,
) -> None:
    with (
        new_database(database_server.url, "LATIN1") as url,
        pytest.raises(PermanentError, match=r'22P05: .* has no equivalent in encoding "LATIN1"$'),
    ):
        stored(Database(url), ANY)
