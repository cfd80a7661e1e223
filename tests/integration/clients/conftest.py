"""Clients on real servers, and a server that gives one fixed answer."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType
from typing import Any

import pytest

from preppath_workers.clients.openai.client import OpenAI
from preppath_workers.clients.postgres.client import Database
from preppath_workers.clients.s3.client import Storage
from preppath_workers.config.model import ModelConfig, OpenAIConfig, StorageConfig
from preppath_workers.errors import JobTimeout
from tests.fake_openai.control import OpenAIServer

Answers = Callable[..., str]
Client = Callable[..., OpenAI]
MODELS = {"evaluation": "gpt-6-luna", "transcription": "gpt-transcribe", "speech": "gpt-4o-mini-tts"}
REALTIME_MODEL = "gpt-realtime-2.1-mini"

#: Bytes of the largest object that these tests read.
MOST = 1_000_000


def storage_at(bucket: str, endpoint: str, **keys: str | None) -> Storage:
    """A client of the bucket, with keys that our servers accept."""
    keys = {"access_key_id": "test", "secret_access_key": "test-secret", **keys}
    return Storage(StorageConfig(bucket, endpoint, "us-east-1", **keys), read_timeout=5)


@pytest.fixture
def database(database_url: str) -> Database:
    return Database(database_url, statement_timeout=5)


@pytest.fixture
def client(vendor: OpenAIServer) -> Iterator[Client]:
    """Make a client of our OpenAI-compatible server, or of another, with one account for every use."""
    with ExitStack() as made:

        def make(
            api_key: str = "sk-test",
            base_url: str = vendor.base_url,
            timeout: float = 10,
            models: Mapping[str, str] | None = None,
            **settings: Any,
        ) -> OpenAI:
            model_configs = {
                use: ModelConfig(model, api_key, base_url, timeout)
                for use, model in {**MODELS, **(models or {})}.items()
            }
            return made.enter_context(closing(OpenAI(OpenAIConfig(**model_configs, **settings))))

        yield make


@pytest.fixture
def answers() -> Iterator[Answers]:
    """Start a server that gives each request the same answer, and return its URL: for answers that no real
    server can be made to give."""
    servers: list[ThreadingHTTPServer] = []

    def start(status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> str:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"  # sends "100 Continue", for which boto3 would wait a second

            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_GET = do_HEAD = do_PUT = do_POST = answer  # noqa: N815 - http.server's names

            def log_message(self, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def alarm() -> Iterator[Callable[[float], None]]:
    """Raise JobTimeout from a signal handler after some seconds, as a worker does."""

    def on_alarm(_number: int, _frame: FrameType | None) -> None:
        raise JobTimeout

    before = signal.signal(signal.SIGALRM, on_alarm)
    yield lambda seconds: (signal.setitimer(signal.ITIMER_REAL, seconds), None)[1]
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)
