"""Which running jobs are cancelled, in memory that all processes of an instance share."""

from __future__ import annotations

import mmap

from .digest import digest


class Cancellations:
    """The latest cancelled attempts. The janitor adds them, workers look for their own.

    An attempt is a digest of eight bytes, in one aligned cell, so no lock is needed that a killed process
    could hold. The first cell counts the additions; older ones are overwritten, and the janitor adds an
    attempt again for as long as it runs.
    """

    def __init__(self) -> None:
        self._cells = memoryview(mmap.mmap(-1, mmap.PAGESIZE)).cast("Q")

    def add(self, queue: str, job_id: str, fencing_token: str) -> bool:
        """Add an attempt. Returns whether it is new."""
        if self.includes(queue, job_id, fencing_token):
            return False
        count = self._cells[0]
        self._cells[1 + count % (len(self._cells) - 1)] = digest(queue, job_id, fencing_token)
        self._cells[0] = count + 1
        return True

    def includes(self, queue: str, job_id: str, fencing_token: str) -> bool:
        """Return whether the attempt is cancelled."""
        return self._cells[0] > 0 and digest(queue, job_id, fencing_token) in self._cells[1:].tolist()
