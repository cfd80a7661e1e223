"""A server that answers whatever it is told to: bytes, HTTP or not."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

#: Seconds after which a client that says nothing more is left alone.
PATIENCE = 2.0


@dataclass
class ScriptedServer:
    """Where it listens, and what it says to each connection once a request has come. Then it hangs up."""

    port: int
    says: bytes = b""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def scripted_server() -> Iterator[ScriptedServer]:
    """Runs one."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        state = ScriptedServer(listening.getsockname()[1])
        threading.Thread(target=_serve, args=(listening, state), daemon=True).start()
        try:
            yield state
        finally:
            listening.shutdown(socket.SHUT_RDWR)


def _serve(listening: socket.socket, state: ScriptedServer) -> None:
    with suppress(OSError):  # it was closed
        while True:
            connection, _ = listening.accept()
            threading.Thread(target=_answer, args=(connection, state.says), daemon=True).start()


def _answer(connection: socket.socket, says: bytes) -> None:
    with connection, suppress(OSError):
        connection.settimeout(PATIENCE)
        _read_request(connection)
        connection.sendall(says)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65_536):
            pass


def _read_request(connection: socket.socket) -> None:
    """Head and body: who answers before the body has come meets a client that is still sending, unless it
    waits to be told to go on."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65_536) or b"\r\n\r\n"
    head, _, body = received.partition(b"\r\n\r\n")
    if b"100-continue" in head:
        return
    length = next(
        (int(line[15:]) for line in head.splitlines() if line.lower().startswith(b"content-length:")), 0
    )
    while len(body) < length and (more := connection.recv(65_536)):
        body += more
