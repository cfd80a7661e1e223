"""The counters that the worker processes of any system report to the benchmark: a file that all of them map.

It imports the standard library only, because the peers import it in their own environments.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
import time
from dataclasses import astuple, dataclass
from pathlib import Path

#: A process's cell, in the order of Cell's fields, and the offsets of some of them (bytes).
_CELL = struct.Struct("6q16x")
_BEGUN, _ENDED, _LAST_BEGIN, _LAST_END = 8, 16, 32, 40

_CELLS = 64

_NUMBER = struct.Struct("q")


@dataclass(frozen=True)
class Cell:
    """The counters of one process. Times are ns of the monotonic clock, which all processes of a machine
    share."""

    pid: int
    begun: int
    ended: int
    first_begin: int
    last_begin: int
    last_end: int


class Board:
    """The file at `path`, created if missing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("ab") as file:
            file.truncate(_CELLS * _CELL.size)
        with path.open("r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 0)

    def cells(self) -> list[Cell]:
        """Return the cells of the processes that have had a job."""
        found = [Cell(*_CELL.unpack_from(self.memory, number * _CELL.size)) for number in range(_CELLS)]
        return [cell for cell in found if cell.pid]

    def ended(self) -> int:
        return sum(cell.ended for cell in self.cells())

    def begun(self) -> int:
        return sum(cell.begun for cell in self.cells())


class Place:
    """The cell of this process. Creating it waits until `processes` processes have one."""

    def __init__(self, path: Path, processes: int) -> None:
        board = Board(path)
        self._memory = board.memory
        with path.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            self._offset = len(board.cells()) * _CELL.size
            cell = Cell(os.getpid(), 0, 0, time.monotonic_ns(), 0, 0)
            _CELL.pack_into(self._memory, self._offset, *astuple(cell))
        while len(board.cells()) < processes:
            time.sleep(0.0005)

    def begin(self) -> None:
        self._count(_BEGUN, _LAST_BEGIN)

    def end(self) -> None:
        self._count(_ENDED, _LAST_END)

    def _count(self, counter: int, moment: int) -> None:
        (value,) = _NUMBER.unpack_from(self._memory, self._offset + counter)
        _NUMBER.pack_into(self._memory, self._offset + counter, value + 1)
        _NUMBER.pack_into(self._memory, self._offset + moment, time.monotonic_ns())
