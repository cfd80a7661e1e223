"""The way to Redis, on which connections can go silent; see proxy.py, which is a process of its own."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from tests.support.process import HOST, Server
from tests.support.waiting import eventually


class Proxy(Server):
    """The proxy before the server at `server_port`."""

    def __init__(self, server_port: int) -> None:
        super().__init__()
        self._server_port = server_port

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}"

    def command(self) -> list[str]:
        return [
            sys.executable,
            str(Path(__file__).with_name("proxy.py")),
            str(self.port),
            str(self._server_port),
        ]

    def cut_silently(self) -> bool:
        """Make one connection carry nothing from now on. Return False if there is none."""
        assert self._process is not None
        before = len(self._cuts())
        self._process.send_signal(signal.SIGUSR1)
        return eventually(lambda: self._cuts()[before:]) == "y"

    def _cuts(self) -> str:
        """Return `y` for each silent cut, `n` for each order that found nothing to cut."""
        path = self.directory / "cuts"
        return path.read_text(encoding="ascii") if path.exists() else ""
