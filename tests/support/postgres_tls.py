"""TLS in front of PostgreSQL, as its protocol asks for it."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from .process import HOST

#: The first message of a client that wants TLS (PostgreSQL's manual, "Message Formats", SSLRequest).
SSL_REQUEST = bytes([0, 0, 0, 8, 4, 210, 22, 47])


class PostgresTlsProxy:
    """TLS in front of the tests' PostgreSQL server, which was built without it."""

    def __init__(self, database_url: str, certificate: Path, key: Path) -> None:
        parts = urlsplit(database_url)
        self._server = (parts.hostname or HOST, parts.port or 5432)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self._listener = socket.create_server((HOST, 0))
        self.url = f"postgresql://{parts.username}@{HOST}:{self._listener.getsockname()[1]}{parts.path}"
        #: How many TLS handshakes there were.
        self.handshakes = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), socket.create_connection(self._server) as server:
            first = client.recv(8, socket.MSG_WAITALL)
            if first == SSL_REQUEST:
                client.sendall(b"S")
                client = self._context.wrap_socket(client, server_side=True)
                self.handshakes += 1
            else:
                server.sendall(first)
            threading.Thread(target=_copy, args=(server, client), daemon=True).start()
            _copy(client, server)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)
