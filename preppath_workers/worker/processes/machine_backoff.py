"""How long a queue's workers on this machine pause after machine errors, in memory that they share.

Each start uses a token of the rate limit that holds for all machines. If each worker paused for itself, a
machine that lacks something would use up the tokens of those that lack nothing.
"""

from __future__ import annotations

import mmap
import time

from .digest import digest

#: The longest pause, seconds. It starts at 1 s and doubles.
_LONGEST = 30.0

#: Different jobs that are counted: after the last of them the pause is the longest.
_JOBS = 6


class MachineBackoff:
    """Counts the different jobs in a row that met a machine error, whichever worker ran them.

    One job alone may need more than any machine has, so its repeated failures don't make the pause longer.
    Nor do failures of attempts that had begun before the pause. Created before the fork, one for each queue.
    Every cell is eight aligned bytes, so no lock is needed that a killed process could hold. At worst, two
    workers take one turn.
    """

    def __init__(self) -> None:
        """Allocate the memory. Raises OSError if the machine is out of memory."""
        memory = memoryview(mmap.mmap(-1, mmap.PAGESIZE))
        self._failed = memory.cast("Q")[:_JOBS]
        #: When the latest pause began, and when it ends, in seconds of the monotonic clock.
        self._times = memory.cast("d")[_JOBS : _JOBS + 2]

    def record(self, job_id: str, began: float, failed: bool) -> None:
        """Record the end of an attempt that began then: whether it met a machine error."""
        if not failed:
            if self._failed[0]:
                self._failed[0] = 0
            return
        jobs = self._jobs()
        if jobs and began < self._times[0]:
            return
        job = digest(job_id)
        if job not in jobs and len(jobs) < _JOBS:
            # First the cell behind it: what an earlier shortage left there must not count.
            if len(jobs) + 1 < _JOBS:
                self._failed[len(jobs) + 1] = 0
            self._failed[len(jobs)] = job
        self._pause()

    def take_turn(self) -> float:
        """Return the seconds to wait before the next job may be fetched. After a pause one worker gets 0 and
        the others wait on, until its job completes or another pause is over."""
        if not self._failed[0]:
            return 0.0
        if (left := self._times[1] - time.monotonic()) > 0:
            return left
        self._pause()
        return 0.0

    def _pause(self) -> None:
        now = time.monotonic()
        self._times[0], self._times[1] = now, now + min(_LONGEST, 2.0 ** (len(self._jobs()) - 1))

    def _jobs(self) -> list[int]:
        jobs = self._failed.tolist()
        return jobs[: jobs.index(0)] if 0 in jobs else jobs
