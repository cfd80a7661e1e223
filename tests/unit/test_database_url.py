from __future__ import annotations

from pathlib import Path

import pytest

from preppath_workers.config.database_url import parse_url
from preppath_workers.config.load import load
from preppath_workers.errors import ConfigError

BASE = {"user": "me", "password": "p@ss", "host": "db", "port": "5432", "dbname": "preppath"}
REQUIRED = {"OPENAI_API_KEY": "sk-key", "S3_BUCKET": "bucket"}
URL = "postgresql://me:p%40ss@db:5432/preppath"


@pytest.mark.parametrize(
    ("query", "parameters", "schema"),
    [
        ("", {}, None),
        ("?", {}, None),
        ("?schema=public", {}, "public"),
        ("?schema=Prep%20Path", {}, "Prep Path"),
        ("?connection_limit=5&pool_timeout=2&pgbouncer=true&socket_timeout=3", {}, None),
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
def test_parse_url_passes_on_only_what_libpq_knows(
    query: str, parameters: dict[str, str], schema: str | None
) -> None:
    assert parse_url(URL + query) == ({**BASE, **parameters}, schema)


def test_parse_url_of_an_unreadable_url_does_not_repeat_it() -> None:
    with pytest.raises(ValueError, match="a URL that libpq can read") as caught:
        parse_url("postgresql://me:100%secret@db/preppath")

    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("url", "parameters"),
    [
        ("postgresql://%2Frun%2Fpostgresql/db", {"host": "/run/postgresql", "dbname": "db"}),
        ("postgresql:///db?host=/run/postgresql", {"host": "/run/postgresql", "dbname": "db"}),
        (
            "postgresql://a,b:5433/db?target_session_attrs=read-write",
            {"host": "a,b", "port": ",5433", "dbname": "db", "target_session_attrs": "read-write"},
        ),
        ("postgres://me:pa#s+s@db/x", {"user": "me", "password": "pa#s+s", "host": "db", "dbname": "x"}),
        ("postgresql://db/x?application_name=a+b", {"host": "db", "dbname": "x", "application_name": "a+b"}),
    ],
)
def test_parse_url_accepts_what_libpq_accepts(url: str, parameters: dict[str, str]) -> None:
    assert parse_url(url).parameters == parameters
    assert load({**REQUIRED, "DATABASE_URL": url}, []).database_url == url


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        ("sslmode=prefer&sslaccept=strict", {"sslmode": "verify-full", "sslrootcert": "system"}),
        ("sslaccept=strict&sslcert={file}", {"sslmode": "verify-full", "sslrootcert": "{file}"}),
        ("sslmode=require&sslcert={file}", {"sslmode": "require", "sslrootcert": "{file}"}),
        ("sslmode=require&sslaccept=accept_invalid_certs", {"sslmode": "require"}),
        (
            "sslmode=verify-full&sslcert={file}&sslkey={file}&sslrootcert={file}",
            {"sslmode": "verify-full", "sslcert": "{file}", "sslkey": "{file}", "sslrootcert": "{file}"},
        ),
        ("sslmode=no-verify", {"sslmode": "require"}),
        ("ssl=true", {"sslmode": "require"}),
        ("ssl=false", {"sslmode": "disable"}),
        ("%73slmode=require", {"sslmode": "require"}),
    ],
)
def test_parse_url_translates_tls_parameters_of_prisma_and_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, query: str, parameters: dict[str, str]
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    file = tmp_path / "ca.pem"
    file.touch()

    found = parse_url(f"{URL}?{query.format(file=file)}").parameters

    assert found == {**BASE, **{name: value.format(file=file) for name, value in parameters.items()}}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("sslidentity=client.p12", "in place of sslidentity"),
        ("sslcert=/nowhere/ca.pem", "sslrootcert to name a file that exists"),
        ("sslmode=verify-full&sslrootcert=/nowhere/ca.pem", "sslrootcert to name a file"),
        ("sslmode=disable&sslaccept=strict", "do not contradict"),
        ("sslaccept=yes", "sslaccept to be"),
        ("sslmode=on", "sslmode to be one of"),
        ("SSLMode=require", "no TLS parameter that libpq does not know"),
        ("tls=true", "no TLS parameter"),
        ("ssl=maybe", "ssl to be true or false"),
        ("connect_timeout=soon", "connect_timeout to be"),
        ("port=0", "a port from 1"),
        ("host=%zz", "a URL that libpq can read"),
    ],
)
def test_database_url_with_a_parameter_that_libpq_would_misread_is_refused(query: str, expected: str) -> None:
    with pytest.raises(ConfigError, match=f"DATABASE_URL is wrong: expected .*{expected}") as caught:
        load({**REQUIRED, "DATABASE_URL": f"{URL}?{query}"}, [])

    assert "p%40ss" not in str(caught.value)


def test_secrets_include_a_password_that_only_libpq_reads() -> None:
    url = "postgresql://me:pa#ss@db/x"

    assert "pa#ss" in load({**REQUIRED, "DATABASE_URL": url}, []).secrets()
