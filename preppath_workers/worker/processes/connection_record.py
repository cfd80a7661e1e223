"""When an instance has been connected to Redis, in memory that outlives its janitor."""

from __future__ import annotations

import mmap


class ConnectionRecord:
    """Written by the janitors of one instance, for one queue: the next one goes on where the last one ended.

    Created before the fork. Every cell is eight aligned bytes, so no lock is needed that a killed process
    could hold.
    """

    def __init__(self) -> None:
        """Allocate the memory. Raises OSError if the machine is out of memory."""
        self._cells = memoryview(mmap.mmap(-1, mmap.PAGESIZE)).cast("d")
        self.store(float("inf"), float("-inf"), 0)

    def store(self, since: float, renewed_at: float, server_ms: int) -> None:
        """Store since when the instance has been connected without a gap, when its lease was last renewed
        (seconds of one clock), and the server's time then (ms)."""
        # If the janitor is killed in between, the time is shorter or the server's earlier: both are safe.
        self._cells[0] = since
        self._cells[1] = renewed_at
        self._cells[2] = server_ms

    @property
    def since(self) -> float:
        """Since when the instance has been connected; infinity before it was."""
        return self._cells[0]

    @property
    def renewed_at(self) -> float:
        """When its lease was last renewed; minus infinity before it was."""
        return self._cells[1]

    @property
    def server_ms(self) -> int:
        """The server's time at the last renewal (ms); 0 before it."""
        return int(self._cells[2])
