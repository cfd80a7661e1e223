"""The connection between the actors and the server, which may lose requests and answers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from random import Random
from typing import Any

import hiredis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from preppath_workers.store.consuming.consumer import BLOCK
from preppath_workers.store.consuming.consumer_connection import Connection
from preppath_workers.store.scripts import Script

#: The index of `now` in EVALSHA's words.
_NOW = 4

#: How a command of a new connection begins that loads a script, or asks which are loaded.
_SCRIPT = re.compile(rb"\*\d+\r\n\$6\r\nSCRIPT\r\n")

#: How the other one begins: it looks at the queue's layout, which doesn't change here.
_LOOK = b"*3\r\n$4\r\nHGET\r\n"

_POP = "BRPOPLPUSH"


class Refused(Exception):
    """Raised when the server refuses a command. No transition may fail, and a broken variant isn't caught by
    it."""


@dataclass(frozen=True)
class _Leftover:
    """Commands of a lost connection that the server may still carry out: a pop that blocks there until
    `deadline` (ms), and what was sent behind it."""

    commands: Sequence[Sequence[Any]]
    deadline: int


class Proxy:
    """One connection to the server for all actors, who take turns; and the clock that scripts are given."""

    def __init__(self, url: str) -> None:
        self._connection = Connection(url, timeout=10.0)
        self._connection.connect()
        self.random = Random(0)
        self.now = 0
        #: The answers to commands that load a script; the server forgets none.
        self._loaded: dict[bytes, Any] = {}
        #: How many of a hundred exchanges are cut off.
        self.faults = 0
        self._leftovers: list[_Leftover] = []

    def restart(self, random: Random, now: int, faults: int) -> None:
        """Begin another run on an empty server."""
        self.random, self.now, self.faults = random, now, faults
        self._leftovers = []
        self.ask([("FLUSHALL",)])

    def load(self, scripts: Iterable[Script]) -> None:
        """Load the scripts into the server: loading one later would be one more exchange, and change the
        run."""
        for script in scripts:
            self.load_once(hiredis.pack_command(("SCRIPT", "LOAD", script.text)))

    def load_once(self, packed: bytes) -> Any:
        """Return the answer to a command of a new connection, which is the same each time."""
        if packed not in self._loaded:
            (self._loaded[packed],) = self.ask(list(_unpacked(packed)))
        return self._loaded[packed]

    def exchange(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        """Return the answers. Raises ConnectionError if a fault is drawn: then only some of the commands were
        executed."""
        if self.random.randrange(100) >= self.faults:
            return self.ask_now(commands)
        done = self.random.randint(0, len(commands))
        self.ask_now(commands[:done])
        self.leave(commands[done:])
        raise RedisConnectionError(f"cut off after {done} of {len(commands)} commands")

    def ask_now(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        """Return the answers to commands as a slot sends them, without a fault."""
        return self.ask([self._at_now(command) for command in commands])

    def leave(self, commands: Sequence[Sequence[Any]]) -> None:
        """Lose the connection that sent the commands. The server may execute its blocking pop later."""
        if commands and commands[0][0] == _POP:
            self._leftovers.append(_Leftover(commands, self.now + BLOCK * 1000))

    def serve_leftover(self) -> bool:
        """Carry out the pop of a lost connection, perhaps also what was sent behind it. False without one."""
        self._leftovers = [left for left in self._leftovers if left.deadline >= self.now]
        if not self._leftovers:
            return False
        left = self._leftovers.pop(self.random.randrange(len(self._leftovers)))
        number = self.random.randint(1, len(left.commands))
        self.ask_now(left.commands[:number])
        return True

    def ask(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        """Send the commands without a fault; return their answers. Raises Refused."""
        self._connection.send(b"".join(hiredis.pack_command(tuple(command)) for command in commands))
        answers = [self._read() for _ in commands]
        refusals = [answer for answer in answers if isinstance(answer, ResponseError)]
        if refusals:
            raise Refused(str(refusals[0])) from refusals[0]
        return answers

    def _read(self) -> Any:
        try:
            return self._connection.receive()
        except ResponseError as error:
            return error

    def _at_now(self, command: Sequence[Any]) -> Sequence[Any]:
        if command[0] == _POP:  # one connection for all: it must not block
            return ("RPOPLPUSH", *command[1:-1])
        if command[0] != "EVALSHA":
            return command
        return (*command[:_NOW], str(self.now), *command[_NOW + 1 :])


class ConsumerConnection:
    """Takes the place of a Consumer's connection."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._answers: list[Any] = []
        #: A pop that blocks, and what was sent behind it.
        self._blocked: list[Sequence[str]] = []

    @property
    def is_blocked(self) -> bool:
        """Whether a pop has been sent that the server has not carried out yet."""
        return bool(self._blocked) and self._blocked[0][0] == _POP

    def serve(self) -> None:
        """Carry out the pop alone: what was sent behind it comes later."""
        self._answers += self._proxy.ask_now(self._blocked[:1])
        del self._blocked[:1]

    def connect(self) -> None:
        pass

    def disconnect(self) -> None:
        self._answers.clear()
        self._proxy.leave(self._blocked)
        self._blocked = []

    def bounded_by_python(self) -> AbstractContextManager[None]:
        return nullcontext()  # an answer comes at once, or never

    def send(self, packed: bytes) -> None:
        if packed.startswith(_LOOK) or _SCRIPT.match(packed):
            self._answers.append(self._proxy.load_once(packed))
            return
        commands = list(_unpacked(packed))
        if commands[0][0] == _POP:
            self._blocked = commands
        else:
            self._answers += self._proxy.exchange(commands)

    def receive(self) -> Any:
        if not self._answers:
            commands, self._blocked = self._blocked, []
            self._answers += self._proxy.exchange(commands)
        return self._answers.pop(0)


def _unpacked(packed: bytes) -> Iterator[Sequence[str]]:
    reader = hiredis.Reader(encoding="utf-8", errors="surrogateescape")
    reader.feed(packed)
    while command := reader.gets():
        yield command
