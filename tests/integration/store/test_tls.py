"""Connections over TLS."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from preppath_workers.config.redis_url import Address
from preppath_workers.store.connections import connection
from preppath_workers.store.connections.locator import ask
from tests.support.process import HOST
from tests.support.redis import RedisServer
from tests.support.tls_proxy import TlsProxy


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[Address]:
    """A server over TLS 1.3, whose session tickets arrive before a client looks at its new connection."""
    can_read = redis.Connection.can_read

    def can_read_later(self: redis.Connection, timeout: float = 0) -> bool:
        time.sleep(0.05)
        return can_read(self, timeout)

    with RedisServer() as server, TlsProxy(server.port).running() as proxy:
        monkeypatch.setattr(redis.Connection, "can_read", can_read_later)
        yield HOST, proxy.port


def test_client_over_tls_without_a_password_does_not_read_session_tickets_as_answers(
    address: Address,
) -> None:
    host, port = address
    with connection.client_without_retries(f"rediss://{host}:{port}?ssl_cert_reqs=none", 10.0) as client:
        assert client.ping()
        assert client.info("clients")["connected_clients"] == 1


def test_lookup_over_tls_without_a_password_does_not_read_session_tickets_as_answers(
    address: Address,
) -> None:
    settings: dict[str, Any] = {"connection_class": redis.SSLConnection, "ssl_cert_reqs": "none"}
    assert ask(settings, address, "PING") is True
