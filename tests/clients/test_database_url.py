from __future__ import annotations

import pytest

from preppath_workers.clients.database_url import parse_url

BASE = {"user": "me", "password": "p@ss", "host": "db", "port": "5432", "dbname": "preppath"}
URL = "postgresql://me:p%40ss@db:5432/preppath"


@pytest.mark.parametrize(
    ("query", "parameters", "schema"),
    [
        ("", {}, None),
        ("?", {}, None),
        ("?schema=public", {}, "public"),
        ("?schema=Prep%20Path", {}, "Prep Path"),
        ("?connection_limit=5&pool_timeout=2&pgbouncer=true&sslaccept=strict&socket_timeout=3", {}, None),
        ("?schema=a&sslmode=require&statement_cache_size=0", {"sslmode": "require"}, "a"),
        (
            "?connect_timeout=9&host=/run/postgresql",
            {"connect_timeout": "9", "host": "/run/postgresql"},
            None,
        ),
        ("?options=-c%20geqo%3Doff", {"options": "-c geqo=off"}, None),
        ("?Schema=A&=x&x y=z", {}, None),
    ],
)
def test_libpq_gets_what_it_knows(query: str, parameters: dict[str, str], schema: str | None) -> None:
    assert parse_url(URL + query) == ({**BASE, **parameters}, schema)


def test_an_unreadable_url_is_not_repeated() -> None:
    with pytest.raises(ValueError, match="not a PostgreSQL URL") as caught:
        parse_url("postgresql://me:100%secret@db/preppath")

    assert caught.value.__suppress_context__
