"""A server of asyncio streams in a thread."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from .process import HOST

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextmanager
def serving(serve: Serve, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Serve each connection to a free port of loopback, which is given to the block."""
    with asyncio.Runner() as runner:  # at its end it cancels what serves open connections
        loop = runner.get_loop()
        server = loop.run_until_complete(asyncio.start_server(serve, HOST, 0, ssl=context, backlog=1000))
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            server.close()
