"""What the worker processes of any system tell the one who measures: a file of counters that all map.

Nothing but the standard library: the peers read this in environments of their own.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
import time
from dataclasses import dataclass
from pathlib import Path

#: A process's cell, in the order of Cell's fields.
_CELL = struct.Struct("6q16x")

_CELLS = 64


@dataclass(frozen=True)
class Cell:
    """What one process did; times are ns of the monotonic clock, which all processes of a machine share."""

    pid: int
    begun: int
    ended: int
    first_begin: int
    last_begin: int
    last_end: int


class Board:
    """The file at `path`, made if there is none."""

    def __init__(self, path: Path) -> None:
        with path.open("ab") as file:
            file.truncate(_CELLS * _CELL.size)
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)

    def cells(self) -> list[Cell]:
        """Those of the processes that had a job."""
        found = [Cell(*_CELL.unpack_from(self._map, number * _CELL.size)) for number in range(_CELLS)]
        return [cell for cell in found if cell.pid]

    def ended(self) -> int:
        return sum(cell.ended for cell in self.cells())

    def begun(self) -> int:
        return sum(cell.begun for cell in self.cells())


class Place:
    """The cell of this process. Its first run waits until `processes` processes have one."""

    def __init__(self, path: Path, processes: int) -> None:
        self._board = Board(path)
        with path.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            self._offset = len(self._board.cells()) * _CELL.size
            self._write(Cell(os.getpid(), 0, 0, time.monotonic_ns(), 0, 0))
        while len(self._board.cells()) < processes:
            time.sleep(0.0005)

    def begin(self) -> None:
        self._add(8)
        struct.pack_into("q", self._board._map, self._offset + 32, time.monotonic_ns())

    def end(self) -> None:
        self._add(16)
        struct.pack_into("q", self._board._map, self._offset + 40, time.monotonic_ns())

    def _add(self, field: int) -> None:
        (value,) = struct.unpack_from("q", self._board._map, self._offset + field)
        struct.pack_into("q", self._board._map, self._offset + field, value + 1)

    def _write(self, cell: Cell) -> None:
        _CELL.pack_into(
            self._board._map,
            self._offset,
            *(cell.pid, cell.begun, cell.ended, cell.first_begin, cell.last_begin, cell.last_end),
        )
