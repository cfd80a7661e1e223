"""A TCP proxy whose connections can go silent: both ends hold on to something that carries nothing any more.

    python proxy.py LISTEN_PORT SERVER_PORT

SIGUSR1 silences one connection, drawn at random, and a letter in the file `cuts` says whether there was one.
Half a minute after one end has given it up the other is closed too, as a router does that has forgotten it.
"""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from pathlib import Path

from tests.support.process import HOST

#: Seconds that a silent connection's one end stays open after the other.
_SILENCE = 30.0

_RECEIVED_AT_ONCE = 2**16


class _Proxy:
    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        #: Of each connection: cleared when it is silent.
        self._carries: list[asyncio.Event] = []

    def silence_one(self) -> None:
        has_some = bool(self._carries)
        if has_some:
            self._carries.pop(random.randrange(len(self._carries))).clear()
        with Path("cuts").open("a", encoding="ascii") as file:  # in the server's folder, where this runs
            file.write("y" if has_some else "n")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            server_reader, server_writer = await asyncio.open_connection(HOST, self._server_port)
        except OSError:
            writer.close()
            return
        carries = asyncio.Event()
        carries.set()
        self._carries.append(carries)
        ways = [
            asyncio.create_task(_copy(reader, server_writer, carries)),
            asyncio.create_task(_copy(server_reader, writer, carries)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        if not carries.is_set():
            await asyncio.sleep(_SILENCE)
        else:
            self._carries.remove(carries)
        for way in ways:
            way.cancel()
        writer.close()
        server_writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, carries: asyncio.Event) -> None:
    try:
        while received := await reader.read(_RECEIVED_AT_ONCE):
            if carries.is_set():
                writer.write(received)
                await writer.drain()
    except OSError:
        pass


async def _main(port: int, server_port: int) -> None:
    proxy = _Proxy(server_port)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, proxy.silence_one)
    async with await asyncio.start_server(proxy.serve, HOST, port) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), int(sys.argv[2])))
