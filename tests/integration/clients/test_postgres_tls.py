"""Connections with TLS, by the parameters of the URL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from preppath_workers.clients.postgres.client import Database
from preppath_workers.errors import ServiceError
from tests.support.certificates import make_certificate
from tests.support.postgres_tls import PostgresTlsProxy


@pytest.fixture
def proxy(database_url: str, tmp_path: Path) -> Iterator[PostgresTlsProxy]:
    with closing(PostgresTlsProxy(database_url, *make_certificate(tmp_path, "server"))) as proxy:
        yield proxy


def connect(url: str) -> None:
    with Database(url).transaction() as cursor:
        cursor.execute("SELECT 1")


@pytest.mark.parametrize(
    ("parameters", "handshakes"),
    [
        ("sslmode=disable", 0),
        ("sslmode=require&schema=public&connection_limit=1", 1),
        ("sslmode=verify-full&sslrootcert={folder}/server.crt", 1),
    ],
)
def test_sslmode_of_the_url_decides_whether_tls_is_used(
    proxy: PostgresTlsProxy, tmp_path: Path, parameters: str, handshakes: int
) -> None:
    connect(f"{proxy.url}?{parameters.format(folder=tmp_path)}")

    assert proxy.handshakes == handshakes


def test_certificate_of_an_unknown_authority_is_refused(proxy: PostgresTlsProxy, tmp_path: Path) -> None:
    other, _ = make_certificate(tmp_path, "other")

    with pytest.raises(ServiceError, match="certificate verify failed"):
        connect(f"{proxy.url}?sslmode=verify-full&sslrootcert={other}")
