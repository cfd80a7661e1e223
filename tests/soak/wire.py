"""A TCP proxy whose connections can go silent: both ends hold on to something that carries nothing any more.

A process of its own: `python -m tests.soak.wire LISTEN_PORT SERVER_PORT`. SIGUSR1 silences one connection,
drawn at random, half a minute long; then it is closed, as a router does that has forgotten it.
"""

from __future__ import annotations

import asyncio
import random
import signal
import sys

from preppath_workers.dev.process import HOST, Server

#: Seconds that a silent connection stays open.
_SILENCE = 30.0

_RECEIVED_AT_ONCE = 2**16


class Wire(Server):
    """The proxy before the server at `server_port`."""

    def __init__(self, server_port: int) -> None:
        super().__init__()
        self._server_port = server_port

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}"

    def command(self) -> list[str]:
        return [sys.executable, __file__, str(self.port), str(self._server_port)]

    def cut_silently(self) -> None:
        """One connection carries nothing from now on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGUSR1)


class _Proxy:
    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        #: Of each connection: cleared when it is silent.
        self._carries: list[asyncio.Event] = []

    def silence_one(self) -> None:
        if self._carries:
            self._carries.pop(random.randrange(len(self._carries))).clear()

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
