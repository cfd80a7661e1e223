"""The process of the proxy: it forwards connections, stops the armed command, and follows orders."""

from __future__ import annotations

import selectors
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha1
from multiprocessing.connection import Connection
from typing import Any, Literal

import hiredis

from tests.support.process import HOST

#: What to do with the stopped command: `send` it to the server and stop its answer; `deliver` what is stopped
#: and go on as before; `cut` the connection on both sides; or let it `vanish`: both ends stay open, and the
#: connection carries nothing any more.
Order = Literal["send", "deliver", "cut", "vanish"]

#: What the proxy reports: the command has arrived and is stopped (`asked`); so is its answer (`answered`).
Event = Literal["asked", "answered"]

_RECEIVED_AT_ONCE = 2**16


@dataclass
class _Link:
    """One client's connection, and ours to the server for it."""

    client: socket.socket
    server: socket.socket
    requests: Any = field(default_factory=lambda: hiredis.Reader())
    answers: Any = field(default_factory=lambda: hiredis.Reader(replyError=lambda message: message))
    #: Commands that the server has not answered yet.
    unanswered: int = 0
    #: Commands that the client sent and the proxy holds back, from the armed command on.
    stopped: list[Sequence[bytes]] = field(default_factory=list)
    #: The armed command's answer, as the server sent it.
    answer: bytes = b""
    #: Whether `stopped` begins with the armed command.
    is_armed: bool = False
    #: Whether the armed command, or its answer, is on its way.
    is_watched: bool = False
    has_vanished: bool = False


class _Forwarder:
    """The loop of the proxy's process."""

    def __init__(self, listener: socket.socket, server_port: int, pipe: Connection) -> None:
        self._listener, self._server_port, self._pipe = listener, server_port, pipe
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ, self._accept)
        self._selector.register(pipe, selectors.EVENT_READ, self._obey)
        self._links: list[_Link] = []
        self._armed, self._skip = "", 0
        self._orders: Mapping[Order, Callable[[_Link], None]] = {
            "send": self._send,
            "deliver": self._deliver,
            "cut": self._close,
            "vanish": self._vanish,
        }
        self._names: Mapping[bytes, str] = {}

    def run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if self._is_open(key.fileobj):
                    key.data()

    def _is_open(self, end: Any) -> bool:
        """Whether it is still registered: an earlier event of this round may have closed it."""
        try:
            self._selector.get_key(end)
        except (KeyError, ValueError):  # ValueError: it is closed
            return False
        return True

    def _obey(self) -> None:
        try:
            word, *arguments = self._pipe.recv()
        except EOFError:
            raise SystemExit from None
        if word == "arm":
            for link in list(self._links):
                self._close(link)
            self._armed, self._skip, self._names = arguments
            return
        for link in [link for link in self._links if link.is_armed or link.is_watched]:
            self._orders[word](link)

    @staticmethod
    def _vanish(link: _Link) -> None:
        link.has_vanished = True
        link.is_armed = link.is_watched = False

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        try:
            server = socket.create_connection((HOST, self._server_port), timeout=2)
        except OSError:
            client.close()
            return
        link = _Link(client, server)
        self._links.append(link)
        self._selector.register(client, selectors.EVENT_READ, lambda: self._read_client(link))
        self._selector.register(server, selectors.EVENT_READ, lambda: self._read_server(link))

    def _read_client(self, link: _Link) -> None:
        received = _receive(link.client)
        if not received and link.has_vanished:
            # The client has closed its end, which the server does not notice.
            self._selector.unregister(link.client)
        elif not received:
            self._close(link)
        elif not link.has_vanished:
            link.requests.feed(received)
            while command := link.requests.gets():
                self._forward(link, command)

    def _forward(self, link: _Link, command: Sequence[bytes]) -> None:
        if link.is_armed or link.is_watched:
            link.stopped.append(command)
        elif self._armed and self._name(command) == self._armed and not self._skipped():
            self._armed = ""
            link.is_armed = True
            link.stopped.append(command)
            self._tell_asked(link)
        else:
            self._pass_on(link, command)

    def _skipped(self) -> bool:
        self._skip -= 1
        return self._skip >= 0

    def _name(self, command: Sequence[bytes]) -> str:
        verb = command[0].decode().lower()
        if verb == "eval":
            return self._names.get(sha1(command[1], usedforsecurity=False).hexdigest().encode(), verb)
        return self._names.get(command[1], verb) if verb == "evalsha" else verb

    def _tell_asked(self, link: _Link) -> None:
        """Report the armed command once all earlier ones are answered: the next answer is its own."""
        if link.is_armed and not link.unanswered:
            self._pipe.send("asked")

    def _pass_on(self, link: _Link, command: Sequence[bytes]) -> None:
        link.unanswered += 1
        try:
            link.server.sendall(hiredis.pack_command(tuple(command)))
        except OSError:
            self._close(link)

    def _send(self, link: _Link) -> None:
        link.is_armed, link.is_watched = False, True
        self._pass_on(link, link.stopped.pop(0))

    def _deliver(self, link: _Link) -> None:
        link.is_armed = link.is_watched = False
        _send_all(link.client, link.answer)
        for command in link.stopped:
            self._pass_on(link, command)
        link.stopped.clear()

    def _read_server(self, link: _Link) -> None:
        received = _receive(link.server)
        if not received and (link.has_vanished or link.is_watched):
            self._selector.unregister(link.server)  # the case killed the server
            return
        if not received:
            self._close(link)
            return
        link.answers.feed(received)
        complete = 0
        while link.answers.gets() is not False:
            complete += 1
        link.unanswered -= complete
        if link.has_vanished:
            return
        if not link.is_watched:
            _send_all(link.client, received)
            self._tell_asked(link)
            return
        link.answer += received
        if complete:
            self._pipe.send("answered")

    def _close(self, link: _Link) -> None:
        if link not in self._links:
            return
        self._links.remove(link)
        for end in (link.client, link.server):
            with suppress(KeyError):
                self._selector.unregister(end)
            end.close()


def _receive(end: socket.socket) -> bytes:
    """Return what was received; nothing if the connection is closed or broken."""
    try:
        return end.recv(_RECEIVED_AT_ONCE)
    except OSError:
        return b""


def _send_all(end: socket.socket, content: bytes) -> None:
    with suppress(OSError):
        end.sendall(content)


def run(listener: socket.socket, server_port: int, pipe: Connection, prepare: Callable[[], None]) -> None:
    """Forward connections to the port of the server, and follow orders, until the pipe is closed."""
    prepare()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    _Forwarder(listener, server_port, pipe).run()
