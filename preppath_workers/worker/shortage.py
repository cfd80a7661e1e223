"""When a worker is replaced because its jobs meet machine errors: what it lacks may be its own."""

from __future__ import annotations

#: Attempts in a row after which the worker is replaced: what it lacks may have been leaked by jobs.
_LASTING = 6


class Shortage:
    """Counts the latest attempts of one worker that failed with a machine error, in a row."""

    def __init__(self) -> None:
        self._failures = 0

    @property
    def is_lasting(self) -> bool:
        """Whether to replace the worker."""
        return self._failures >= _LASTING

    def record(self, failed: bool) -> None:
        """Record the end of an attempt."""
        self._failures = self._failures + 1 if failed else 0
