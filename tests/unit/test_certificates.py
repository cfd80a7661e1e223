"""A private CA, named once in the `--config` file."""

from __future__ import annotations

import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import boto3
import openai
import psycopg2
import pytest
import redis
import requests
from botocore.config import Config as BotoConfig

from preppath_workers.config.database_url import parse_url
from preppath_workers.config.load import read_environment
from preppath_workers.errors import ConfigError
from tests.support.certificates import make_certificate
from tests.support.postgres_tls import PostgresTlsProxy

NAMES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "PREPPATH_EXPORTED")


class TlsServer:
    """Counts the clients that accept its certificate. It never answers."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.accepted = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                with suppress(OSError), client, self._context.wrap_socket(client, server_side=True) as tls:
                    # A client that rejects the certificate sends an alert instead of data.
                    self.accepted += bool(tls.recv(1))


def ask_openai(address: str) -> None:
    openai.OpenAI(api_key="k", base_url=f"https://{address}", max_retries=0, timeout=5).models.list()


def ask_s3(address: str) -> None:
    boto3.session.Session().client(
        "s3", endpoint_url=f"https://{address}", region_name="us-east-1", aws_access_key_id="a",
        aws_secret_access_key="b", config=BotoConfig(retries={"total_max_attempts": 1}, read_timeout=5),
    ).list_buckets()  # fmt: skip


def ask_redis(address: str) -> None:
    redis.Redis.from_url(f"rediss://{address}", socket_timeout=5).ping()


def ask_webhook(address: str) -> None:
    requests.post(f"https://{address}", timeout=5)


@pytest.fixture(autouse=True)
def no_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    """No extra certificate is trusted, before the test and after it."""
    for name in NAMES:
        monkeypatch.setenv(name, "")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[TlsServer]:
    with closing(TlsServer(*make_certificate(tmp_path, "server"))) as server:
        yield server


def configure(folder: Path, text: str) -> dict[str, str]:
    (folder / "env").write_text(text)
    return read_environment(folder / "env")


@pytest.mark.parametrize("ask", [ask_openai, ask_s3, ask_redis, ask_webhook])
def test_client_accepts_a_certificate_if_the_config_file_names_its_ca(
    server: TlsServer, tmp_path: Path, ask: Callable[[str], None]
) -> None:
    for accepted in (0, 1):
        with pytest.raises(Exception):  # noqa: B017, PT011 - each library has its own
            ask(server.address)
        assert server.accepted == accepted
        configure(tmp_path, f"SSL_CERT_FILE={tmp_path}/server.crt\n")


def test_postgresql_accepts_a_certificate_if_the_config_file_names_its_ca(
    database_url: str, tmp_path: Path
) -> None:
    with closing(PostgresTlsProxy(database_url, *make_certificate(tmp_path, "server"))) as proxy:
        configure(tmp_path, f"SSL_CERT_FILE={tmp_path}/server.crt\n")
        with closing(psycopg2.connect(**parse_url(f"{proxy.url}?sslmode=verify-full").parameters)):
            assert proxy.handshakes == 1


def test_read_environment_again_takes_the_new_certificate_file(tmp_path: Path) -> None:
    first, second = (make_certificate(tmp_path, name)[0] for name in ("first", "second"))

    assert configure(tmp_path, f"SSL_CERT_FILE={first}\n")["SSL_CERT_FILE"] == str(first)
    assert configure(tmp_path, f"SSL_CERT_FILE={second}\n")["SSL_CERT_FILE"] == str(second)
    assert "SSL_CERT_FILE" not in configure(tmp_path, "")


def test_real_variable_takes_precedence_over_the_config_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (make_certificate(tmp_path, name)[0] for name in ("first", "second"))
    monkeypatch.setenv("SSL_CERT_FILE", str(first))

    assert configure(tmp_path, f"SSL_CERT_FILE={second}\n")["SSL_CERT_FILE"] == str(first)


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "AWS_CA_BUNDLE"])
@pytest.mark.parametrize(
    "path", ["/nowhere.pem", "{folder}/env", "x" * 300], ids=["missing", "other", "long"]
)
def test_certificate_file_without_certificates_is_refused_by_name(
    tmp_path: Path, name: str, path: str
) -> None:
    with pytest.raises(ConfigError, match=f"{name} is wrong: expected a file"):
        configure(tmp_path, f"{name}={path.format(folder=tmp_path)}\n")


def test_certificates_from_a_pipe_are_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError, match="SSL_CERT_FILE is wrong: expected a file"):
        configure(tmp_path, f"SSL_CERT_FILE={tmp_path / 'pipe'}\n")


@pytest.mark.parametrize(
    ("change", "is_trusted"),
    [
        (lambda text: text * 3, True),
        (lambda text: f"# Ä comment\n{text}" * 3, True),
        (lambda text: text.replace("\n", "\r\n") * 2, True),
        (lambda text: text * 2 + text[:200], False),  # cut off
        (lambda text: text * 2 + text.replace("M", "!"), False),
        (lambda text: text.replace("CERTIFICATE", "PRIVATE KEY"), False),
    ],
)
def test_certificate_file_is_checked_at_its_first_and_last_certificate(
    tmp_path: Path, change: Callable[[str], str], is_trusted: bool
) -> None:
    certificate = make_certificate(tmp_path, "server")[0]
    bundle = tmp_path / "bundle.pem"
    bundle.write_text(change(certificate.read_text()), encoding="utf-8", newline="")
    if is_trusted:
        assert configure(tmp_path, f"SSL_CERT_FILE={bundle}\n")["SSL_CERT_FILE"] == str(bundle)
    else:
        with pytest.raises(ConfigError, match="SSL_CERT_FILE is wrong"):
            configure(tmp_path, f"SSL_CERT_FILE={bundle}\n")


def test_folder_of_certificates_is_left_to_the_library(tmp_path: Path) -> None:
    assert configure(tmp_path, f"AWS_CA_BUNDLE={tmp_path}\n")["AWS_CA_BUNDLE"] == str(tmp_path)
