"""Whether a job's last allowed failure is its own, or the service has failed others as well."""

from __future__ import annotations

#: Completions that show a service which works, for the job and for each failure of another job.
_WORKS = 4

#: Pardons of one job.
_MOST = 12

#: A completion among the events.
_COMPLETED = ""


class Pardons:
    """Completions and retries of one queue, in order, and where each job's account begins."""

    def __init__(self) -> None:
        self._events: list[str] = []
        self._since: dict[str, int] = {}
        self._given: dict[str, int] = {}

    def completed(self) -> None:
        """Note a completion of the queue."""
        self._events.append(_COMPLETED)

    def retried(self, job_id: str) -> None:
        """Note a failure that led to a retry."""
        self._events.append(job_id)

    def begin(self, job_id: str) -> None:
        """Note that the job begins to fail, or meets an outage, with what happens next."""
        self._since[job_id] = len(self._events)

    def forget(self, job_id: str) -> None:
        """Note that the job was replayed."""
        self._since.pop(job_id, None)
        self._given.pop(job_id, None)

    def ask(self, job_id: str) -> bool:
        """Return whether the last allowed failure of the job is pardoned, and note it."""
        if self._given.get(job_id, 0) >= _MOST or self._has_worked_for_others(job_id):
            return False
        self._given[job_id] = self._given.get(job_id, 0) + 1
        self.begin(job_id)
        return True

    def _has_worked_for_others(self, job_id: str) -> bool:
        if job_id not in self._since:
            return False
        since = self._events[self._since[job_id] :]
        completions = since.count(_COMPLETED)
        failures_of_others = len(since) - completions - since.count(job_id)
        return completions >= _WORKS * (1 + failures_of_others)
