"""A slot's connection: calls the scripts of its queue and reads their answers.

Scripts are loaded at each connect, in case SCRIPT FLUSH or a failover lost them.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from hiredis import pack_command
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from ...config.durability import Durability, Shortfall
from ..keys import Keys
from ..refusals import code_of
from ..scripts import scripts
from .consumer_connection import Connection
from .packing import PackedStart
from .script_loading import load_scripts

#: No time at all, for times that are compared.
NEVER = float("-inf")

#: Seconds that the look-up of the server's name may take, in C: glibc asks each name server twice, for 5 s,
#: and again in each search domain.
_LONGEST_LOOK_UP = 90.0


def no_beat(_ahead: float = 0.0) -> None:
    """Do nothing: of a consumer that nobody watches."""


class SlotConnection:
    """Connects when it is first used. Not to be shared.

    Any method may raise redis.RedisError. The connection is closed then; the next call opens a new one.
    """

    def __init__(
        self, url: str, timeout: float, keys: Keys, now: str, beat: Callable[..., None] = no_beat
    ) -> None:
        """`timeout`: seconds for any answer. `now`: Redis's time as scripts take it, see `scripts.py`. `beat`
        is called after each answer, since several of them may take that long; and before the connection is
        opened, with the seconds (`ahead`) that this may take."""
        self._connection = Connection(url, timeout, keys.base)
        self._keys = keys
        self._now = now
        self._beat = beat
        self._is_connected = False
        #: Answers that are still to be read.
        self._unread = 0
        #: When the last claim found no job; NEVER if it found one, and after a disconnect.
        self.idle_since = NEVER

    def words(self, name: str, *arguments: str | int) -> tuple[str, ...]:
        """Return the command that calls a script."""
        script = scripts()[name]
        return ("EVALSHA", script.digest, "1", self._keys.base, self._now, *map(str, arguments))

    def start(self, name: str, *arguments: str | int) -> PackedStart:
        """Return the first words of the command that calls a script, packed."""
        return PackedStart(self.words(name, *arguments))

    def call(self, name: str, *arguments: str | int) -> Any:
        """Call a script and return its answer, a list that isn't empty."""
        self.send([self.words(name, *arguments)])
        return self.receive()

    def send(self, commands: list[tuple[Any, ...]]) -> None:
        """Send commands in one packet."""
        self.send_packed(b"".join(map(pack_command, commands)), len(commands))

    def send_packed(self, packed: bytes, commands: int = 1) -> None:
        """Send packed commands, of which there are this many."""
        try:
            if self._unread:
                # An earlier call was interrupted: its pending answers would be read as ours.
                self.disconnect()
            if not self._is_connected:
                self._connect()
            self._unread = commands
            self._connection.send(packed)
        except BaseException:
            self.disconnect()
            raise

    def receive(self, may_be_empty: bool = False, may_be_text: bool = False) -> Any:
        """Return the next answer: a list, or the text of `first_start.lua` if the script may start a job."""
        # Any exception, also one of a signal handler, may leave answers unread, so the connection is closed.
        try:
            answer = self._connection.receive()
        except BaseException:
            self.disconnect()
            raise
        self._beat()
        self._unread -= 1
        is_text = may_be_text and type(answer) is str
        if not is_text and (type(answer) is not list or not (answer or may_be_empty)):
            raise self.unknown(answer)
        return answer

    def receive_pop(self) -> ResponseError | None:
        """Read the answer of a pop. Return the error of a server that is out of memory: the claim after it
        can still take a job."""
        try:
            self._connection.receive()
        except BaseException as error:
            if not isinstance(error, ResponseError) or code_of(error) != "OOM":
                self.disconnect()
                raise
            self._unread -= 1
            return error
        self._unread -= 1
        return None

    def confirm(self, durability: Durability) -> Shortfall | None:
        """Wait until Redis confirms what this connection has written; return what is missing."""
        try:
            shortfall = self._connection.confirm(durability)
        except BaseException:
            self.disconnect()
            raise
        if shortfall:  # the server may be a primary that was replaced and doesn't know
            self.disconnect()
        return shortfall

    def bounded_by_python(self) -> AbstractContextManager[None]:
        """Keep the timeout inside the block even if signals arrive, as they do each second during a job."""
        return self._connection.bounded_by_python()

    def unknown(self, answer: object) -> RedisConnectionError:
        """Return the error for an answer that no script gives: the server isn't Redis, or a proxy mixes up
        answers."""
        self.disconnect()
        return RedisConnectionError(f"the server answers {str(answer)[:100]!r}, which no script returns")

    def disconnect(self) -> None:
        """Close the connection; pending answers are lost."""
        self._is_connected = False
        self._unread = 0
        self.idle_since = NEVER  # a pop whose answer was lost may have moved a job
        self._connection.disconnect()

    def _connect(self) -> None:
        # A signal may have interrupted the last one, and the answers to earlier calls would be read as ours.
        self._connection.disconnect()
        self._beat(_LONGEST_LOOK_UP)
        self._connection.connect()
        self._beat()
        load_scripts(self._connection, self._keys)
        self._beat()
        self._is_connected = True
