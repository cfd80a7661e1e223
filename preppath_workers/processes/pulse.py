"""Signs of life of one process, in memory that it shares with its supervisor."""

from __future__ import annotations

import mmap
import time

_BEAT, _BUSY_SINCE, _READY, _HAS_WORKED = range(4)


class Pulse:
    """Made by the supervisor just before the fork, written by the child alone, read by the supervisor.

    Times are seconds of the monotonic clock, the same for all processes of a machine. Every cell is eight
    aligned bytes, so no lock is needed, and there is none that a killed child could keep.
    """

    def __init__(self, shared: bool = True) -> None:
        """Not `shared`, it is the pulse of nobody. Raises OSError when the machine is out of memory."""
        memory = mmap.mmap(-1, mmap.PAGESIZE) if shared else bytearray(mmap.PAGESIZE)
        self._cells = memoryview(memory).cast("d")
        self.beat()
        self._made_at = self._cells[_BEAT]

    def beat(self) -> None:
        """The process still turns."""
        self._cells[_BEAT] = time.monotonic()

    def ready(self) -> None:
        """The process has done what it must do first."""
        self._cells[_READY] = 1.0
        self.beat()

    def begin_job(self) -> None:
        self._cells[_BUSY_SINCE] = time.monotonic()
        self._cells[_HAS_WORKED] = 1.0

    def end_job(self) -> None:
        self._cells[_BUSY_SINCE] = 0.0

    @property
    def has_beaten(self) -> bool:
        """Whether the child itself has given a sign of life."""
        return self._cells[_BEAT] > self._made_at

    @property
    def is_ready(self) -> bool:
        return self._cells[_READY] > 0

    @property
    def has_worked(self) -> bool:
        """Whether a job has run in this process, whose code may do anything from then on."""
        return self._cells[_HAS_WORKED] > 0

    @property
    def silent_for(self) -> float:
        """Seconds since the last beat."""
        return time.monotonic() - self._cells[_BEAT]

    @property
    def busy_for(self) -> float:
        """Seconds that the current job has run; 0 when there is none."""
        since = self._cells[_BUSY_SINCE]
        return time.monotonic() - since if since else 0.0
