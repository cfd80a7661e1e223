"""The heartbeat of one process, in memory that it shares with its supervisor."""

from __future__ import annotations

import mmap
import time
from struct import Struct

_BEAT, _BUSY_SINCE, _READY = range(3)

#: The id of the last job: its offset, and a length byte with up to 255 bytes of it.
_ID_AT, _ID = 64, Struct("256p")


class Liveness:
    """Created by the supervisor before the fork, written by the forked process, read by the supervisor.

    Times are seconds of the monotonic clock, which all processes of a machine share. Every cell is eight
    aligned bytes, so no lock is needed that a killed process could hold.
    """

    def __init__(self, shared: bool = True) -> None:
        """Allocate the memory. Raises OSError if the machine is out of memory.

        Without `shared` the object is a placeholder before the first fork.
        """
        memory = mmap.mmap(-1, mmap.PAGESIZE) if shared else bytearray(mmap.PAGESIZE)
        self._bytes = memoryview(memory)
        self._cells = self._bytes.cast("d")
        self.beat()
        self._made_at = self._cells[_BEAT]

    def beat(self, ahead: float = 0.0) -> None:
        """Record that the process is alive, also during the next `ahead` seconds, in which it cannot beat."""
        self._cells[_BEAT] = time.monotonic() + ahead

    def ready(self) -> None:
        """Record that the process has finished its startup."""
        self._cells[_READY] = 1.0
        self.beat()

    def begin_job(self, job_id: str) -> float:
        """Record that a job starts now; return when."""
        _ID.pack_into(self._bytes, _ID_AT, job_id.encode("utf-8", "surrogateescape"))
        self._cells[_BUSY_SINCE] = began = time.monotonic()
        return began

    def end_job(self) -> None:
        """Record that no job runs."""
        self.beat()  # first: an idle process that was silent for as long as the job would count as hung
        self._cells[_BUSY_SINCE] = 0.0

    @property
    def job_id(self) -> str | None:
        """Id of the job that runs, or that ran when the process ended; None if there is none."""
        return self._last_job_id if self._cells[_BUSY_SINCE] else None

    @property
    def has_beaten(self) -> bool:
        """Whether the forked process itself has beaten."""
        return self._cells[_BEAT] > self._made_at

    @property
    def is_ready(self) -> bool:
        """Whether the process has finished its startup."""
        return self._cells[_READY] > 0

    @property
    def has_worked(self) -> bool:
        """Whether a handler has run in this process; its exit code is not trusted from then on."""
        return bool(self._last_job_id)

    @property
    def _last_job_id(self) -> str:
        encoded: bytes = _ID.unpack_from(self._bytes, _ID_AT)[0]
        return encoded.decode("utf-8", "surrogateescape")

    @property
    def silent_for(self) -> float:
        """Seconds since the last beat, or since the end of the time for which it was ahead."""
        return time.monotonic() - self._cells[_BEAT]

    @property
    def busy_for(self) -> float:
        """Seconds that the current job has run; 0 if there is none."""
        since = self._cells[_BUSY_SINCE]
        return time.monotonic() - since if since else 0.0
