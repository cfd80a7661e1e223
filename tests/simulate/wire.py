"""What lies between the actors and the server: it may lose a request, or the answer to one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from random import Random
from typing import Any

import hiredis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from preppath_workers.queue.line import Line
from preppath_workers.queue.scripts import Script

#: The index of `now` in EVALSHA's words.
_NOW = 4

#: How a packed command begins that loads a script.
_SCRIPT_LOAD = b"*3\r\n$6\r\nSCRIPT\r\n"


class Wire:
    """One connection to the server for all actors, who take turns; and the clock that scripts are told."""

    def __init__(self, url: str) -> None:
        self._line = Line(url, timeout=10.0)
        self._line.connect()
        self.random = Random(0)
        self.now = 0
        #: The answers to commands that load a script; the server forgets none.
        self._loaded: dict[bytes, Any] = {}
        #: Exchanges of a hundred that are cut off.
        self.faults = 0

    def load(self, scripts: Iterable[Script]) -> None:
        """Has the server know them: a script that it did not would be one exchange more, and another run."""
        for script in scripts:
            self.load_once(hiredis.pack_command(("SCRIPT", "LOAD", script.text)))

    def load_once(self, packed: bytes) -> Any:
        """The answer to a command that loads a script."""
        if packed not in self._loaded:
            (self._loaded[packed],) = self.ask(list(_unpacked(packed)))
        return self._loaded[packed]

    def exchange(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        """The answers. Raises ConnectionError where a fault is drawn: then nobody knows how many of the
        commands were carried out."""
        if self.random.randrange(100) >= self.faults:
            return self.ask([self._at_now(command) for command in commands])
        done = self.random.randint(0, len(commands))
        self.ask([self._at_now(command) for command in commands[:done]])
        raise RedisConnectionError(f"cut off after {done} of {len(commands)} commands")

    def ask(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        """The answers, without a fault. Raises AssertionError for a refusal: no transition ever fails."""
        self._line.send(b"".join(hiredis.pack_command(tuple(command)) for command in commands))
        answers = [self._read() for _ in commands]
        refusals = [answer for answer in answers if isinstance(answer, ResponseError)]
        assert not refusals, f"refused: {refusals[0]}"
        return answers

    def _read(self) -> Any:
        try:
            return self._line.receive()
        except ResponseError as error:
            return error

    def _at_now(self, command: Sequence[Any]) -> Sequence[Any]:
        match command[0]:
            case "EVALSHA":
                return (*command[:_NOW], str(self.now), *command[_NOW + 1 :])
            case "BRPOPLPUSH":  # nobody can wait here
                return ("RPOPLPUSH", *command[1:-1])
        return command


class SlotsLine:
    """What a Slot takes for its line."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._answers: list[Any] = []

    def connect(self) -> None:
        pass

    def disconnect(self) -> None:
        self._answers.clear()

    def minding_signals(self) -> AbstractContextManager[None]:
        return nullcontext()  # an answer is there at once, or lost

    def send(self, packed: bytes) -> None:
        if packed.startswith(_SCRIPT_LOAD):
            self._answers.append(self._wire.load_once(packed))
        else:
            self._answers += self._wire.exchange(list(_unpacked(packed)))

    def receive(self) -> Any:
        return self._answers.pop(0)


def _unpacked(packed: bytes) -> Iterator[Sequence[str]]:
    reader = hiredis.Reader(encoding="utf-8", errors="surrogateescape")
    reader.feed(packed)
    while command := reader.gets():
        yield command
