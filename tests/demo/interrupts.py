"""Signals that end the demo early: the first one becomes an exception."""

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


class Interrupts:
    """Raise Interrupted in the main thread for the first SIGINT, SIGTERM or SIGHUP. Later signals are
    ignored: an interrupted stop would leave processes running."""

    def __init__(self) -> None:
        self._received: int | None = None
        self._is_held = False
        for number in _SIGNALS:
            signal.signal(number, self._receive)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Delay a signal until the end of the block, so that each process id is known."""
        self._is_held = True
        yield
        self._is_held = False
        if self._received is not None:
            raise Interrupted(self._received)

    def end(self) -> None:
        """Ignore signals from here on."""
        self._is_held = True

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self._received is None:
            self._received = number
            if not self._is_held:
                raise Interrupted(number)
