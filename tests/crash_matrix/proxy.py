"""A TCP proxy that stops one chosen command between a client and Redis, and then follows orders.

It is a process of its own, without threads, so that its caller may fork.
"""

from __future__ import annotations

import multiprocessing
import socket
from types import TracebackType
from typing import Self

from preppath_workers.clients.parent_death import set_pdeathsig
from preppath_workers.store import scripts
from tests.support.process import HOST

from .forwarder import Event, Order, run


class Proxy:
    """Forwards to a port of this machine. Call `arm`, `wait` for the command, then `order`."""

    def __init__(self, server_port: int) -> None:
        listener = socket.create_server((HOST, 0))
        self.port: int = listener.getsockname()[1]
        self._pipe, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("fork").Process(
            target=run, args=(listener, server_port, theirs, set_pdeathsig()), daemon=True
        )
        self._process.start()
        listener.close()
        theirs.close()

    def arm(self, name: str, skip: int = 0) -> None:
        """Stop the next command of this name, after letting `skip` of them pass. A script has the name of its
        transition, other commands have their own, in lower case. Closes the connections of earlier cases."""
        names = {script.digest.encode(): name for name, script in scripts.scripts().items()}
        self._pipe.send(("arm", name, skip, names))

    def order(self, order: Order) -> None:
        """Do this with the stopped command. No effect if its client has closed the connection."""
        self._pipe.send((order,))

    def wait(self, event: Event, deadline: float = 10.0) -> None:
        """Wait for the event. Raises AssertionError if another happens first, or none."""
        assert self._pipe.poll(deadline), f"the command was not {event} within {deadline:g} s"
        reported = self._pipe.recv()
        assert reported == event, f"{reported} instead of {event}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.join()
        self._process.close()
