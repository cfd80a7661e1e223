"""Several servers together."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType

from .process import Server


@contextmanager
def running(*servers: Server) -> Iterator[None]:
    """Start the servers in parallel and stop all of them when the block ends.

    SIGTERM and SIGHUP, which would end the process at once, raise SystemExit inside the block. Only for
    the main thread. Raises ServerFailed if one does not start.
    """
    with _ended_by_signals(), ExitStack() as stack:
        for server in servers:
            stack.callback(server.stop)
            server.launch()
        for server in servers:
            server.wait_until_ready()
        yield


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
