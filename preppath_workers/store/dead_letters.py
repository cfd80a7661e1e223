"""The dead-letter list: selects jobs, to replay or purge them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from .job import Job
from .reading.reader import QueueReader
from .values import text

#: Entries looked at by one step.
_PAGE = 100

#: Why a job is in the list.
REASONS = ("invalid", "permanent", "retries", "worker-died", "malformed", "out-of-service", "machine")

#: Reasons for which a replay cannot help.
HOPELESS = ("invalid", "malformed")

#: Replays after which a job is left alone, by default.
MAX_REPLAYS = 3


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

    def worth_a_replay(self, max_replays: int) -> Selection:
        """Return the selection for a replay: without hopeless jobs, unless selected by id or reason,
        and without those replayed `max_replays` times, unless selected by id."""
        if self.ids:
            return self
        return replace(self, but_reasons=() if self.reasons else HOPELESS, max_replays=max_replays)

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


@dataclass
class Walk:
    """Goes through the dead-letter list, oldest first, and yields the selected jobs, `page` at a time.

    Args:
        step: `queue.replay` or `queue.purge`. It is called with the ids of each page before the page is
            yielded, and returns how many of them it took out of the list. Concurrent callers take each job
            once; one may skip a job, which the next call finds. None takes nothing.
        limit: the most jobs to select.
        looked_at: the most entries to look at, since few may meet the selection.
        next: where to begin, as the number of older entries that are left alone. Afterwards it is where
            another walk goes on; None at the end of the list.
    """

    queue: QueueReader
    selection: Selection
    step: Callable[[Sequence[str]], int] | None = None
    limit: int | None = None
    looked_at: int | None = None
    page: int = _PAGE
    next: int | None = 0

    def __iter__(self) -> Iterator[Page]:
        now, position = self.queue.now(), self.next or 0
        if self.selection.ids:
            yield from self._by_ids(now)
            return
        left, to_look_at = self.limit, self.looked_at
        while left != 0 and to_look_at != 0:
            size = self.page if to_look_at is None else min(self.page, to_look_at)
            entries = self.queue.read("LRANGE", self.queue.keys.dead, -position - size, -position - 1)
            ids = [text(entry) for entry in reversed(entries)]
            found = {job.id: job for job in self.queue.get_many(ids) if self.selection.holds(job, now)}
            jobs = [found[job_id] for job_id in ids if job_id in found][:left]
            if left is not None and len(jobs) == left and jobs:
                ids = ids[: ids.index(jobs[-1].id) + 1]  # what is behind is the next walk's
            left = None if left is None else left - len(jobs)
            to_look_at = None if to_look_at is None else to_look_at - len(ids)
            taken = self._take(jobs)
            position += len(ids) - taken
            self.next = position
            if len(entries) < size and len(ids) == len(entries):
                self.next = None
            if jobs:
                yield Page(jobs, taken)
            if self.next is None:
                return

    def _by_ids(self, now: int) -> Iterator[Page]:
        """Look the jobs up by their ids, however long the list is."""
        self.next = None
        wanted = list(dict.fromkeys(self.selection.ids))
        found = [job for job in self.queue.get_many(wanted) if job.state == "failed"]
        found = sorted(found, key=lambda job: job.finished_at or 0)
        jobs = [job for job in found if self.selection.holds(job, now)][: self.limit]
        for first in range(0, len(jobs), self.page):
            portion = jobs[first : first + self.page]
            yield Page(portion, self._take(portion))

    def _take(self, jobs: Sequence[Job]) -> int:
        return self.step([job.id for job in jobs]) if self.step and jobs else 0


def newest(
    queue: QueueReader, selection: Selection, limit: int | None = None, page: int = _PAGE
) -> Iterator[Job]:
    """Yield the selected jobs, newest first, at most `limit`. A job that dies meanwhile is left out."""
    if selection.ids:
        found = [job for each in Walk(queue, selection) for job in each.jobs]
        yield from found[::-1][:limit]
        return
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
