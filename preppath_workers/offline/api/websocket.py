"""A WebSocket on the connection of an HTTP request. Independent of the API."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from typing import Any

from websockets.exceptions import ProtocolError
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

#: Bytes read at a time.
_CHUNK = 65_536


class WebSocket:
    """The server's side, for one thread."""

    def __init__(self, connection: socket.socket, path: str, headers: Mapping[str, str]) -> None:
        """Accept the request. Raises ProtocolError if it does not ask for a WebSocket."""
        self._connection = connection
        self._protocol = ServerProtocol()
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        self._protocol.receive_data(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        request = next(iter(self._protocol.events_received()), None)
        if not isinstance(request, Request):
            raise ProtocolError("no request")
        response = self._protocol.accept(request)
        self._protocol.send_response(response)
        self._flush()
        if response.status_code != 101:
            raise ProtocolError("not a WebSocket request")

    def __iter__(self) -> Iterator[Any]:
        """Yield the messages until the client closes or disconnects; None for one that is not JSON."""
        text = b""
        while data := self._connection.recv(_CHUNK):
            self._protocol.receive_data(data)
            for frame in self._protocol.events_received():
                if not isinstance(frame, Frame) or frame.opcode not in (Opcode.TEXT, Opcode.CONT):
                    continue
                text += bytes(frame.data)
                if frame.fin:
                    yield _parsed(text)
                    text = b""
            self._flush()
            if self._protocol.close_expected():
                return

    def send(self, event: Mapping[str, Any]) -> None:
        """Send an event as JSON. Raises OSError if the client is gone."""
        self.send_text(json.dumps(event))

    def send_text(self, text: str) -> None:
        """Send a text message. Raises OSError if the client is gone."""
        self._protocol.send_text(text.encode())
        self._flush()

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Begin the closing handshake."""
        self._protocol.send_close(code, reason)
        self._flush()

    def cut(self) -> None:
        """Close the connection without a close frame, as a killed server does."""
        self._connection.shutdown(socket.SHUT_RDWR)

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._connection.sendall(data)


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
