"""A TCP proxy that hands on each answer late, as an overloaded server gives it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from .asyncio_server import serving
from .process import HOST

_AT_ONCE = 2**16


@contextmanager
def slow_proxy(server_port: int, delay: float) -> Iterator[int]:
    """Forward to the server on a port of loopback, which is given to the block; answers take `delay` seconds
    longer."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, requests = await asyncio.open_connection(HOST, server_port)
        ways = [
            asyncio.create_task(_copy(reader, requests, 0.0)),
            asyncio.create_task(_copy(answers, writer, delay)),
        ]
        with suppress(asyncio.CancelledError):  # at the end of the block
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        requests.close()
        writer.close()

    with serving(serve) as port:
        yield port


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    with suppress(OSError):
        while received := await reader.read(_AT_ONCE):
            asyncio.get_running_loop().call_later(delay, writer.write, received)
