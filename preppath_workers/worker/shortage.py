"""What a worker does while its jobs meet machine errors: it pauses, and in the end it is replaced."""

from __future__ import annotations

#: The longest pause, seconds. It starts at 1 s and doubles.
_LONGEST_PAUSE = 30.0

#: Attempts in a row after which the worker is replaced: what it lacks may be its own, leaked by jobs.
_LASTING = 6


class Shortage:
    """The latest attempts of one worker that failed with a machine error, in a row."""

    def __init__(self) -> None:
        self._failures = 0
        #: The jobs of these attempts. One job alone may need more than any machine has.
        self._jobs: set[str] = set()
        #: Seconds before the next job: more, the more jobs have failed; 0 without a shortage.
        self.pause = 0.0
        #: Whether to replace the worker.
        self.is_lasting = False

    def record(self, job_id: str, failed: bool) -> None:
        """Record the end of an attempt."""
        if failed:
            self._failures += 1
            self._jobs.add(job_id)
            self.pause = min(_LONGEST_PAUSE, 2.0 ** (len(self._jobs) - 1))
            self.is_lasting = self._failures >= _LASTING
        elif self._failures:
            self._failures = 0
            self._jobs.clear()
            self.pause, self.is_lasting = 0.0, False
