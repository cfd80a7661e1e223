"""Takes the jobs of the old queue, page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from ...queue import NewJob, Queue
from ...store.foreign_dead_letters import DeadLetter, add_dead_letters
from ...store.json_text import loads
from .old_queue import MARK, OldJob, OldQueue
from .report import Report
from .translation import NotTaken, Translator

Translated = TypeVar("Translated", NewJob, DeadLetter)


@dataclass(frozen=True)
class Importer:
    """Takes jobs of `old` into `queue`, and records them in `report`.

    Args:
        names: only jobs with these names; all if empty.
        change: False to count the jobs and take none.
        remove: delete the old jobs that are taken, in place of a mark.
    """

    queue: Queue
    old: OldQueue
    translator: Translator
    report: Report
    names: Sequence[str] = ()
    change: bool = True
    remove: bool = False

    def run(self, states: Iterable[str]) -> None:
        """Take the jobs in these states."""
        now = self.queue.now()
        for state in states:
            for page in getattr(self.old, state)():
                if state == "failed":
                    self._take(state, page, self.translator.dead_letter, self._add_dead)
                else:
                    self._take(state, page, partial(self.translator.new_job, now=now), self._add)
        for kind, ids in self.old.others():
            for job_id in ids:
                self.report.leave(kind, job_id)

    def _take(
        self,
        state: str,
        page: Iterable[OldJob],
        translate: Callable[[OldJob], Translated],
        add: Callable[[Sequence[Translated]], list[bool]],
    ) -> None:
        named = [job for job in page if not self.names or job.fields.get("name") in self.names]
        marked = [job for job in named if MARK in job.fields]
        self.report.already_taken += len(marked)
        found = list(self._translated((job for job in named if MARK not in job.fields), translate))
        if self.change:
            created = add([new for _, new in found])
            found = [
                pair for pair, is_new in zip(found, created, strict=True) if self._is_taken(*pair, is_new)
            ]
            self._settle(marked, found)
        for job, _ in found:
            self.report.take(state, job.fields.get("name", ""))

    def _translated(
        self, jobs: Iterable[OldJob], translate: Callable[[OldJob], Translated]
    ) -> Iterator[tuple[OldJob, Translated]]:
        for job in jobs:
            try:
                yield job, translate(job)
            except NotTaken as reason:
                self.report.leave(str(reason), job.id)

    def _settle(self, marked: Sequence[OldJob], taken: Sequence[tuple[OldJob, NewJob | DeadLetter]]) -> None:
        if self.remove:
            self.old.remove([*marked, *(job for job, _ in taken)])
        else:
            self.old.mark({job.id: new.id for job, new in taken})

    def _is_taken(self, job: OldJob, new: NewJob | DeadLetter, created: bool) -> bool:
        """Whether the job is here now: it was added, or an earlier import ended before it marked the job."""
        if created:
            return True
        here = self.queue.get(new.id)
        data = loads(new.data) if isinstance(new, DeadLetter) else new.data
        if here is not None and here.data == data:
            return True
        self.report.leave("id of another job here", job.id)
        return False

    def _add(self, jobs: Sequence[NewJob]) -> list[bool]:
        return [ref.created for ref in self.queue.enqueue_many(jobs)]

    def _add_dead(self, jobs: Sequence[DeadLetter]) -> list[bool]:
        return add_dead_letters(self.queue, jobs)
