"""A receiver of webhooks: a real HTTP server on loopback that records requests and answers as configured."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Received:
    """A request that was received."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Receiver:
    """The received requests, and how to answer the next one."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    status: int = 204
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Whether to close the connection instead of answering.
    cut: bool = False
    #: Clear it to delay answers.
    answers: threading.Event = field(default_factory=threading.Event)


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Run a receiver that accepts a POST to any path."""
    state = Receiver()
    state.answers.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.received.append(Received(self.path, dict(self.headers.items()), body))
            state.answers.wait(10)
            if state.cut:
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(state.status)
            for name, value in state.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.url = f"http://127.0.0.1:{server.server_port}"
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        try:
            yield state
        finally:
            state.answers.set()
            server.shutdown()
            serving.join()
