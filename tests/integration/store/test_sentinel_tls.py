"""Sentinels and Redis over TLS, on a Redis of this machine that has it: the tests' own was built without."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from preppath_workers import AsyncQueue, Queue
from preppath_workers.config.redis_url import split_url
from preppath_workers.store.connections import connection
from preppath_workers.store.refusals import summary_of
from tests.support.certificates import make_certificate
from tests.support.redis import RedisServer
from tests.support.sentinel import SentinelServer, sentinel_url
from tests.support.servers import running

PROGRAM = shutil.which("redis-server")


def has_tls(program: str) -> bool:
    """Whether the program asks for a certificate when TLS is on."""
    command = [program, "--port", "0", "--tls-port", "1"]
    printed = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False).stdout
    return "tls-cert-file" in printed


class TlsServer(RedisServer):
    """A server that is reached over TLS only, with the files of a folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(settings=settings(folder))
        self._settings["tls-port"] = str(self.port)
        self._ca = folder / "server.crt"

    @property
    def url(self) -> str:
        return f"rediss://127.0.0.1:{self.port}?ssl_ca_certs={quote(str(self._ca))}"

    def command(self) -> Sequence[str]:
        return [str(PROGRAM), *super().command()[1:]]


class TlsSentinel(SentinelServer):
    """A sentinel that is reached over TLS only, and so reaches Redis."""

    def __init__(self, primary: TlsServer, folder: Path) -> None:
        super().__init__(primary, quorum=1, settings=settings(folder))
        self._settings["tls-port"] = str(self.port)
        self._ca = folder / "server.crt"

    url = TlsServer.url

    def command(self) -> Sequence[str]:
        return [str(PROGRAM), *super().command()[1:]]


def settings(folder: Path) -> dict[str, str]:
    return {
        "port": "0",
        "tls-cert-file": str(folder / "server.crt"),
        "tls-key-file": str(folder / "server.key"),
        "tls-ca-cert-file": str(folder / "server.crt"),
        "tls-auth-clients": "no",
        "tls-replication": "yes",
    }


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """The sentinels' URL, with no word about certificates."""
    if PROGRAM is None or not has_tls(PROGRAM):
        pytest.skip("no redis-server with TLS is installed")
    make_certificate(tmp_path, "server")
    make_certificate(tmp_path, "other")
    primary = TlsServer(tmp_path)
    sentinel = TlsSentinel(primary, tmp_path)
    with running(primary, sentinel):
        yield sentinel_url([sentinel]).replace("redis+", "rediss+")


def test_sentinels_and_redis_over_tls_are_verified(
    url: str, tmp_path: Path, key_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted = f"{url}?ssl_ca_certs={quote(str(tmp_path / 'server.crt'))}"
    assert split_url(trusted).server.startswith("rediss://")
    ref = Queue("tts", connection.client(trusted), key_prefix).enqueue({})
    monkeypatch.setenv("REDIS_URL", trusted)
    monkeypatch.setenv("KEY_PREFIX", key_prefix)

    async def state() -> str:
        queue = AsyncQueue.from_env("tts")
        found = await queue.ref(ref.id).status()
        await queue.redis.aclose()
        return found.state

    assert asyncio.run(state()) == "waiting"
    stranger = f"{url}?ssl_ca_certs={quote(str(tmp_path / 'other.crt'))}"
    with pytest.raises(RedisConnectionError) as raised:
        connection.client_without_retries(stranger, 3.0).ping()
    assert "certificate verify failed" in summary_of(raised.value)
