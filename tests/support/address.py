"""A TCP address that can be switched to another server, as a virtual IP or a managed endpoint does.

Open connections stay with the server they were opened to. Replies can be altered on the way."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

from tests.support.process import HOST


class Address:
    """Forwards connections to `port`. `falsify` is given each piece of a reply and returns what the client
    receives instead; None closes the connection."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.falsify: Callable[[bytes], bytes | None] = lambda answer: answer
        #: Number of connections opened so far.
        self.opened = 0
        self._listener = socket.create_server((HOST, 0))
        self._sockets: list[socket.socket] = []

    @property
    def url(self) -> str:
        return self.url_of("")

    def url_of(self, password: str) -> str:
        """The URL, with the server's password."""
        return f"redis://{f':{password}@' if password else ''}{HOST}:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each in [self._listener, *self._sockets]:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.opened += 1
                try:
                    server = socket.create_connection((HOST, self.port))
                except OSError:
                    client.close()
                    continue
                self._sockets += [client, server]
                for source, target, change in (
                    (client, server, lambda sent: sent),
                    (server, client, lambda answer: self.falsify(answer)),
                ):
                    threading.Thread(target=_forward, args=(source, target, change), daemon=True).start()


def _forward(source: socket.socket, target: socket.socket, change: Callable[[bytes], bytes | None]) -> None:
    with suppress(OSError):
        while received := source.recv(2**16):
            changed = change(received)
            if changed is None:
                break
            target.sendall(changed)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
