"""Clients that send too slowly, too much, or listen in too large numbers."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
import requests
import uvicorn
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse

from preppath_workers.web import guard
from preppath_workers.web.head_timeout import HeadTimeoutProtocol
from preppath_workers.web.server import Options, listen
from tests.support.waiting import eventually

from .conftest import Site


class ShortHeadTimeout(HeadTimeoutProtocol):
    limit = 0.2


@pytest.fixture
def port() -> Iterator[int]:
    """An application whose server waits 0.2 s for the head of a request."""
    with running(PlainTextResponse("hello"), listen(Options("127.0.0.1", 0))) as found:
        yield found


@contextmanager
def running(app: Any, listening: socket.socket) -> Iterator[int]:
    config = uvicorn.Config(app, http=ShortHeadTimeout, log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    eventually(lambda: server.started)
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: loc", b"GET / HTTP/1.1\r\n\r\n"])
def test_connection_without_a_whole_request_is_closed(port: int, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(sent)
        received = b"".join(iter(lambda: client.recv(4096), b""))
    assert (b"hello" in received) == (b"\r\n\r\n" in sent and b"Host" in sent)


@pytest.mark.parametrize("length", [b"Content-Length: 100", b"Transfer-Encoding: chunked"])
def test_connection_on_which_a_body_goes_on_after_the_answer_is_closed(port: int, length: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + length + b"\r\n\r\n")
        received = b""
        while b"hello" not in received:
            received += client.recv(4096)
        client.sendall(b"5")
        assert client.recv(4096) == b""


def test_connection_serves_one_request_after_the_other(port: int) -> None:
    with requests.Session() as session:
        found = [session.get(f"http://127.0.0.1:{port}/", timeout=10).text for _ in range(3)]
    assert found == ["hello"] * 3


def test_connection_whose_client_reads_nothing_is_closed() -> None:
    """As that of a browser whose machine sleeps: its stream would count as open for a quarter of an hour."""

    def is_closed() -> bool:
        try:
            client.sendall(b"G")
        except ConnectionError:
            return True
        return False

    answer = PlainTextResponse("x" * 20_000_000)
    with (
        running(answer, listen(Options("127.0.0.1", 0), read_seconds=1)) as port,
        socket.create_connection(("127.0.0.1", port)) as client,
    ):
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        eventually(is_closed)


def test_body_that_never_arrives_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "_BODY_SECONDS", 0.05)
    parts = iter([{"type": "http.request", "body": b"{", "more_body": True}])

    async def receive() -> Any:
        for part in parts:
            return part
        return await asyncio.Event().wait()

    async def read() -> None:
        limited = guard._limited(receive)
        assert (await limited())["body"] == b"{"
        await limited()

    with pytest.raises(HTTPException) as raised:
        asyncio.run(read())
    assert raised.value.status_code == 408


def test_body_of_unannounced_length_is_refused_once_it_is_too_large(site: Site) -> None:
    body = (b"x" * 65_536 for _ in range(30))

    response = site.request("POST", "/api/v1/jobs/tts", data=body)
    assert (response.status_code, "larger than" in response.json()["detail"]) == (413, True)


def test_places_beyond_every_list_are_refused(site: Site) -> None:
    for path in ("jobs?cursor=99999999999999999999", "jobs?cursor=-1"):
        assert site.get(f"/api/v1/queues/tts/{path}").status_code == 422
    body = {"all": True, "cursor": 10**30}
    assert site.post("/api/v1/queues/tts/dead/replay", body).status_code == 422


def test_streams_beyond_the_limit_are_refused_until_one_ends(site: Site) -> None:
    """Also if they are opened at the same time, in many threads of the server."""
    port = int(site.url.rpartition(":")[2])
    request = b"GET /?live HTTP/1.1\r\nHost: localhost\r\n\r\n"

    def opened() -> socket.socket:
        client = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30))
        client.sendall(request)
        return client

    with ExitStack() as stack:
        clients = [opened() for _ in range(150)]
        answers = Counter(client.recv(12) for client in clients)
        assert answers == {b"HTTP/1.1 200": 100, b"HTTP/1.1 503": 50}
        for client in clients[:50]:
            client.close()
        eventually(lambda: opened().recv(12) == b"HTTP/1.1 200")
