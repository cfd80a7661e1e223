"""The dead-letter list: selects jobs, to replay or purge them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass
from typing import NamedTuple

from .job import Job
from .reading.reader import QueueReader
from .values import text

#: Entries looked at by one step.
_PAGE = 100

#: Characters of data after which no further job is added by the same call.
_CALL_CHARACTERS = 1_000_000

#: Why a job is in the list.
REASONS = ("invalid", "permanent", "retries", "worker-died", "malformed", "out-of-service", "machine")

#: Reasons for which a replay cannot help.
HOPELESS = ("invalid", "malformed")


@dataclass(frozen=True)
class Selection:
    """A selection of dead jobs: those that meet all conditions. None and () mean any.

    Args:
        ids: these.
        reasons: those that died of one of these REASONS.
        but_reasons: those that did not die of one of these.
        error_class: those whose last error is of this class.
        min_age_ms, max_age_ms: those that died so long ago.
        max_replays: those that were replayed fewer times.
    """

    ids: Sequence[str] = ()
    reasons: Sequence[str] = ()
    but_reasons: Sequence[str] = ()
    error_class: str | None = None
    min_age_ms: int | None = None
    max_age_ms: int | None = None
    max_replays: int | None = None

    def holds(self, job: Job, now: int) -> bool:
        """Return whether this job is selected; `now` in ms since the epoch."""
        age = now - (job.finished_at or 0)
        return (
            (not self.ids or job.id in self.ids)
            and (not self.reasons or job.reason in self.reasons)
            and job.reason not in self.but_reasons
            and (self.error_class is None or (job.error or {}).get("class") == self.error_class)
            and (self.min_age_ms is None or age >= self.min_age_ms)
            and (self.max_age_ms is None or age <= self.max_age_ms)
            and (self.max_replays is None or job.replays < self.max_replays)
        )


class Page(NamedTuple):
    """Some jobs of the list, and how many of them were taken out of it."""

    jobs: list[Job]
    taken: int


def walk(
    queue: QueueReader,
    selection: Selection,
    step: Callable[[Sequence[str]], int] = lambda _: 0,
    limit: int | None = None,
    page: int = _PAGE,
) -> Iterator[Page]:
    """Yield the selected jobs, oldest first, at most `page` at a time and `limit` in all.

    `step` is called with the ids of each page before it is yielded, and tells how many of them it took out of
    the list: `queue.replay` or `queue.purge`. Concurrent callers take each job once; one may skip a job,
    which the next call finds.
    """
    now, kept = queue.now(), 0
    while limit is None or limit > 0:
        entries = queue.read("LRANGE", queue.keys.dead, -kept - page, -kept - 1)
        if not entries:
            return
        jobs = [job for job in queue.get_many(map(text, reversed(entries))) if selection.holds(job, now)]
        if limit is not None:
            jobs = jobs[:limit]
            limit -= len(jobs)
        taken = step([job.id for job in jobs]) if jobs else 0
        kept += len(entries) - taken
        if jobs:
            yield Page(jobs, taken)


def newest(
    queue: QueueReader, selection: Selection, limit: int | None = None, page: int = _PAGE
) -> Iterator[Job]:
    """Yield the selected jobs, newest first, at most `limit`. A job that dies meanwhile is left out."""
    now, start, seen = queue.now(), 0, set[str]()
    while entries := queue.read("LRANGE", queue.keys.dead, start, start + page - 1):
        start += page
        # Each new death moves the rest on by one place, so the same entries may come again.
        fresh = [job_id for job_id in map(text, entries) if job_id not in seen]
        seen.update(fresh)
        for job in queue.get_many(fresh):
            if limit == 0:
                return
            if selection.holds(job, now):
                limit = limit if limit is None else limit - 1
                yield job


@dataclass(frozen=True)
class DeadLetter:
    """A job that failed in another system. `data` and `error` are JSON, times are ms since the epoch."""

    id: str
    data: str
    priority: int
    reason: str
    error: str
    attempts: int
    created_at: int
    failed_at: int


def add_dead_letters(queue: QueueReader, jobs: Sequence[DeadLetter]) -> list[bool]:
    """Add jobs, the one that failed last first, at the list's old end. Returns for each whether it was added;
    one whose id exists is not."""
    added: list[bool] = []
    start = size = 0
    for end, job in enumerate(jobs, start=1):
        size += len(job.data)
        if end == len(jobs) or end - start == _PAGE or size > _CALL_CHARACTERS:
            words = [word for each in jobs[start:end] for word in astuple(each)]
            added += map(bool, queue.call("add_dead_letters", *words))
            start, size = end, 0
    return added
