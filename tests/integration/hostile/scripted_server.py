"""A server that answers with the given bytes, HTTP or not."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

#: Seconds after which the server closes the connection of a silent client.
CLIENT_TIMEOUT = 2.0


@dataclass
class ScriptedServer:
    """Sends `answer` to each connection after its request, then closes the connection."""

    port: int
    answer: bytes = b""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def scripted_server() -> Iterator[ScriptedServer]:
    """Run a server until the block ends."""
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
            threading.Thread(target=_answer, args=(connection, state.answer), daemon=True).start()


def _answer(connection: socket.socket, answer: bytes) -> None:
    with connection, suppress(OSError):
        connection.settimeout(CLIENT_TIMEOUT)
        _read_request(connection)
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65_536):
            pass


def _read_request(connection: socket.socket) -> None:
    """Read head and body: an answer before the whole body would meet a client that is still sending, unless
    the client waits for `100 Continue`."""
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
