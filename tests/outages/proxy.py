"""A TCP proxy before each server, which fails as ordered.

    python -m tests.outages.proxy NAME=LISTEN_PORT:SERVER_PORT ...

It reads an order from each line of its input, `{"name": …, "mode": …}`, and answers `done`. The modes:

- `pass`: forward everything;
- `refuse`: don't listen, and cut the open connections;
- `reset`: accept connections and reset them once something is sent; reset the open ones;
- `stall`: accept and keep connections, and forward nothing. Afterwards forward what was held back, unless its
  client has closed the connection;
- `answer`: answer HTTP requests of the given `methods` (all, if none are given) with `status` and `body`; the
  server still answers earlier requests.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import sys
from contextlib import suppress
from typing import Any

from .http_answer import Answer

_HOST = "127.0.0.1"
_AT_ONCE = 2**16


class Gate:
    """The proxy before one server."""

    def __init__(self, port: int, server_port: int) -> None:
        self.port = port
        self.server_port = server_port
        self.mode = "pass"
        self.answer: Answer | None = None
        self.carries = asyncio.Event()
        self._connections: set[Passage] = set()
        self._listener: asyncio.Server | None = None

    async def set_mode(self, mode: str, **answer: Any) -> None:
        self.mode = mode
        self.answer = Answer(**answer) if mode == "answer" else None
        if mode == "stall":
            self.carries.clear()
        else:
            self.carries.set()
        if mode in ("refuse", "reset"):
            for passage in list(self._connections):
                passage.cut()
        if mode == "refuse" and self._listener:
            self._listener.close()
            self._listener = None
        elif mode != "refuse" and self._listener is None:
            self._listener = await asyncio.start_server(self._accept, _HOST, self.port)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mode == "reset":
            with suppress(OSError):
                await reader.read(1)
            reset(writer)
            return
        passage = Passage(self, reader, writer)
        self._connections.add(passage)
        try:
            await passage.run()
        finally:
            self._connections.discard(passage)


class Passage:
    """One client's connection, and the one to the server that belongs to it."""

    def __init__(self, gate: Gate, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._gate = gate
        self._reader, self._writer = reader, writer
        self._server_writer: asyncio.StreamWriter | None = None
        #: Whether the server has answered every request.
        self._is_idle = True

    async def run(self) -> None:
        try:
            reader, self._server_writer = await asyncio.open_connection(_HOST, self._gate.server_port)
        except OSError:
            self._writer.close()
            return
        ways = [
            asyncio.create_task(self._upwards(self._server_writer)),
            asyncio.create_task(self._downwards(reader)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        self._writer.close()
        self._server_writer.close()

    def cut(self) -> None:
        """Reset both sides at once."""
        reset(self._writer)
        if self._server_writer:
            self._server_writer.transport.abort()

    async def _upwards(self, server: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while received := await self._received():
                answer = self._gate.answer
                if answer and self._is_idle and answer.concerns(received):
                    await answer.give(received, self._reader, self._writer)
                    return
                self._is_idle = False
                server.write(received)
                await server.drain()

    async def _received(self) -> bytes:
        """Return what the client sends next; nothing once it has closed the connection, not even what it sent
        before that while the connection was stalled."""
        received = await self._reader.read(_AT_ONCE)
        while received and not self._gate.carries.is_set():
            more = asyncio.create_task(self._reader.read(_AT_ONCE))
            over = asyncio.create_task(self._gate.carries.wait())
            await asyncio.wait({more, over}, return_when=asyncio.FIRST_COMPLETED)
            for unfinished in (more, over):
                unfinished.cancel()
            await asyncio.wait({more, over})  # two may not read at once
            if more.cancelled():
                continue
            if not more.result():
                return b""
            received += more.result()
        return received

    async def _downwards(self, server: asyncio.StreamReader) -> None:
        with suppress(OSError):
            while received := await server.read(_AT_ONCE):
                await self._gate.carries.wait()
                self._is_idle = True
                self._writer.write(received)
                await self._writer.drain()


def reset(writer: asyncio.StreamWriter) -> None:
    """Close the connection so that the other side gets a reset."""
    connection = writer.get_extra_info("socket")
    if connection is not None:
        with suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _main(arguments: list[str]) -> None:
    gates = {}
    for argument in arguments:
        name, _, ports = argument.partition("=")
        gates[name] = Gate(*map(int, ports.split(":")))
        await gates[name].set_mode("pass")
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(orders), sys.stdin
    )
    print("done", flush=True)
    while line := await orders.readline():
        order = json.loads(line)
        await gates[order.pop("name")].set_mode(**order)
        print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1:]))
