"""Signs of life of one process, in memory that it shares with its supervisor."""

from __future__ import annotations

import mmap
import time

_BEAT, _BUSY_SINCE, _READY, _HAS_WORKED = range(4)

#: Where the job's id stands, as a byte that tells its length and as many bytes.
_ID_AT, _LONGEST_ID = 64, 255


class Liveness:
    """Made by the supervisor just before the fork, written by the child alone, read by the supervisor.

    Times are seconds of the monotonic clock, the same for all processes of a machine. Every cell is eight
    aligned bytes, so no lock is needed, and there is none that a killed child could keep.
    """

    def __init__(self, shared: bool = True) -> None:
        """Not `shared`, it is the pulse of nobody. Raises OSError when the machine is out of memory."""
        memory = mmap.mmap(-1, mmap.PAGESIZE) if shared else bytearray(mmap.PAGESIZE)
        self._bytes = memoryview(memory)
        self._cells = self._bytes.cast("d")
        self.beat()
        self._made_at = self._cells[_BEAT]

    def beat(self) -> None:
        """The process still turns."""
        self._cells[_BEAT] = time.monotonic()

    def ready(self) -> None:
        """The process has done what it must do first."""
        self._cells[_READY] = 1.0
        self.beat()

    def begin_job(self, job_id: str = "") -> None:
        named = job_id.encode("utf-8", "surrogateescape")[:_LONGEST_ID]
        self._bytes[_ID_AT] = len(named)
        self._bytes[_ID_AT + 1 : _ID_AT + 1 + len(named)] = named
        self._cells[_BUSY_SINCE] = time.monotonic()
        self._cells[_HAS_WORKED] = 1.0

    def end_job(self) -> None:
        self._cells[_BUSY_SINCE] = 0.0

    @property
    def job_id(self) -> str | None:
        """The job that runs, or ran when the process ended; None when there is none."""
        if not self._cells[_BUSY_SINCE]:
            return None
        named = self._bytes[_ID_AT + 1 : _ID_AT + 1 + self._bytes[_ID_AT]]
        return bytes(named).decode("utf-8", "surrogateescape") or None

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
