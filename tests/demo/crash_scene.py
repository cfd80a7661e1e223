"""How the demo ends early: the first signal that asks for it becomes an exception."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """A signal asked the demo to end."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


class CrashScene:
    """Raises Interrupted in the main thread for the first SIGINT, SIGTERM or SIGHUP. Later ones change
    nothing: by then everything is being stopped, and half of that would leave processes behind."""

    def __init__(self) -> None:
        self._received: int | None = None
        self._is_held = False
        for number in _SIGNALS:
            signal.signal(number, self._receive)

    @contextmanager
    def held(self) -> Iterator[None]:
        """A signal that comes inside the block is raised at its end: between the start of a process and the
        moment that we know its id, nobody could stop it."""
        self._is_held = True
        yield
        self._is_held = False
        if self._received is not None:
            raise Interrupted(self._received)

    def end(self) -> None:
        """No signal is raised any more."""
        self._is_held = True

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self._received is None:
            self._received = number
            if not self._is_held:
                raise Interrupted(number)
