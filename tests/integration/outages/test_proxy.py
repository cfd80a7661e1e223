"""The proxy's failures, as a client sees them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import requests

from tests.outages.ways import Ways, open_ways
from tests.support.process import HOST
from tests.support.waiting import eventually


@dataclass
class Echo:
    """A server that records what it receives and echoes it while `answers` is set."""

    listener: socket.socket
    received: list[bytes] = field(default_factory=list)
    answers: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.answers.set()

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            while received := connection.recv(1_000):
                self.received.append(received)
                self.answers.wait()
                connection.sendall(received)


@pytest.fixture
def echo() -> Iterator[Echo]:
    with socket.create_server((HOST, 0)) as listener:
        server = Echo(listener)
        threading.Thread(target=server.serve, daemon=True).start()
        yield server


@pytest.fixture
def ways(echo: Echo) -> Iterator[Ways]:
    with open_ways({"openai": echo.listener.getsockname()[1]}) as ways:
        yield ways


def connect(ways: Ways) -> socket.socket:
    return socket.create_connection((HOST, ways.ports["openai"]), timeout=5)


def test_proxy_in_mode_refuse_closes_connections_and_refuses_new_ones(ways: Ways) -> None:
    with connect(ways) as before:
        before.sendall(b"a")
        assert before.recv(10) == b"a"
        with ways.failing("openai", "refuse"):
            with pytest.raises(ConnectionResetError):
                before.recv(10)
            with pytest.raises(ConnectionRefusedError):
                connect(ways)
    with connect(ways) as after:
        after.sendall(b"b")
        assert after.recv(10) == b"b"


def test_proxy_in_mode_reset_resets_connections_on_use(ways: Ways, echo: Echo) -> None:
    with ways.failing("openai", "reset"), connect(ways) as connection:
        connection.sendall(b"a")
        with pytest.raises(ConnectionError):
            connection.recv(10)
    assert echo.received == []


def test_proxy_in_mode_stall_delivers_later_except_for_closed_clients(ways: Ways, echo: Echo) -> None:
    with connect(ways) as patient, connect(ways) as impatient:
        with ways.failing("openai", "stall"):
            patient.sendall(b"patient")
            impatient.sendall(b"impatient")
            patient.settimeout(0.2)
            with pytest.raises(TimeoutError):
                patient.recv(10)
            impatient.close()
        patient.settimeout(5)
        assert patient.recv(10) == b"patient"
        patient.sendall(b"again")
        assert patient.recv(10) == b"again"
    assert echo.received == [b"patient", b"again"]


def test_proxy_in_mode_answer_answers_only_the_given_methods(ways: Ways, echo: Echo) -> None:
    url = f"http://{HOST}:{ways.ports['openai']}/"
    answer = {"status": 507, "body": "full", "content_type": "text/plain", "methods": ["PUT"]}
    with ways.failing("openai", "answer", **answer):
        refused = requests.put(url, data=b"x" * 100_000, timeout=5)
        assert (refused.status_code, refused.text) == (507, "full")
        assert echo.received == []
        with connect(ways) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
            eventually(lambda: echo.received)


def test_proxy_in_mode_answer_leaves_earlier_requests_to_the_server(ways: Ways, echo: Echo) -> None:
    echo.answers.clear()
    with connect(ways) as connection:
        connection.sendall(b"GET /before HTTP/1.1\r\n\r\n")
        eventually(lambda: echo.received)
        with ways.failing("openai", "answer", status=503, body=""):
            echo.answers.set()
            assert connection.recv(100) == b"GET /before HTTP/1.1\r\n\r\n"
            connection.sendall(b"GET /after HTTP/1.1\r\n\r\n")
            assert connection.recv(100).startswith(b"HTTP/1.1 503")
