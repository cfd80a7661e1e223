"""Packs the commands that a worker sends for every job."""

from __future__ import annotations

from typing import Any

from hiredis import pack_command

#: Bytes of a packed command's first line, the number of its words, if there are up to nine.
_FIRST_LINE = len(b"*9\r\n")


class PackedStart:
    """The first words of a command, which are always the same: they are packed once."""

    def __init__(self, words: tuple[Any, ...]) -> None:
        self.words = words
        packed = pack_command(words)
        self._packed = packed[packed.index(b"$") :]
        #: The command up to here, by the number of further words.
        self._starts: dict[int, bytes] = {}

    def with_words(self, words: tuple[Any, ...]) -> bytes:
        """Return the command with up to nine further words."""
        further = len(words)
        if not (start := self._starts.get(further)):
            start = self._starts[further] = b"*%d\r\n%b" % (len(self.words) + further, self._packed)
        packed: bytes = pack_command(words)
        return start + packed[_FIRST_LINE:]
