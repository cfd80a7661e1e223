"""What the page's forms do: change a job, a queue, or dead letters."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ...errors import UnknownJob
from ...log import fields
from ...queue import Queue
from ...store.dead_letters import Selection, Walk
from ...store.job import State
from ...store.reading.brief import BriefReader
from ..guard import Caller
from ..problem import Problem
from .dead_view import selection_of
from .text import cursor_of

logger = logging.getLogger(__name__)

#: Dead letters that one form moves or deletes: what one request can do in time.
MOST = 1_000
#: Dead letters that it looks at for them.
_LOOKED_AT = 10_000

#: The states of a job after each action, if it was done.
_DONE: Mapping[str, tuple[State, ...]] = {
    "cancel": ("cancelled", "cancelling"),
    "promote": ("waiting",),
    "prioritize": ("waiting", "delayed"),
    "retry": ("waiting",),
    "purge": ("unknown",),
}


@dataclass(frozen=True)
class Change:
    """A change that a form asks for."""

    queue: Queue
    action: str
    caller: Caller

    def log(self, **details: object) -> None:
        """Log who made the change."""
        logger.info(
            "Change made on the page",
            extra=fields(action=self.action, queue=self.queue.name, who=self.caller.name, **details),
        )


def change_gate(change: Change) -> None:
    """Pause or resume the queue. Raises Problem."""
    steps: Mapping[str, Callable[[], None]] = {"pause": change.queue.pause, "resume": change.queue.resume}
    if change.action not in steps:
        raise Problem(422, f"there is no action {change.action!r}")
    steps[change.action]()
    change.log()


def change_job(change: Change, job_id: str, form: Mapping[str, str]) -> None:
    """Cancel, retry, promote, prioritize or purge a job. Raises Problem if its state does not allow it."""
    queue = change.queue
    try:
        match change.action:
            case "cancel":
                state = queue.cancel(job_id, running=True)
            case "promote":
                state = queue.promote(job_id)
            case "prioritize":
                state = queue.prioritize(job_id, _priority(form))
            case "retry":
                state = "waiting" if queue.replay([job_id]) else queue.ref(job_id).status().state
            case "purge":
                state = "unknown" if queue.purge([job_id]) else queue.ref(job_id).status().state
            case action:
                raise Problem(422, f"there is no action {action!r}")
    except UnknownJob as error:
        raise Problem(404, str(error)) from None
    if state not in _DONE[change.action]:
        raise Problem(409, f"cannot {change.action} job {job_id}: it is {state}")
    change.log(jobId=job_id)


@dataclass(frozen=True)
class Found:
    """What a form selects: ids, oldest first, at most MOST.

    Args:
        next: where to look further; None if the whole list was looked at.
        reason, error_class: by which they were selected.
    """

    ids: Sequence[str]
    next: int | None = None
    reason: str = ""
    error_class: str = ""


@dataclass(frozen=True)
class DeadLetters:
    """The dead letters that a form selects: some by their ids, or all of a reason and error class."""

    selection: Selection
    #: How many older ones were looked at already.
    cursor: int = 0

    @classmethod
    def of(cls, form: Mapping[str, str], ids: Sequence[str]) -> DeadLetters:
        """Return what the form selects. Raises Problem if it selects nothing."""
        if form.get("which") == "selected" and not ids:
            raise Problem(422, "no dead letter is selected")
        if form.get("which") == "selected":
            return cls(Selection(ids=tuple(ids[:MOST])))
        return cls(selection_of(form), cursor_of(form))

    def find(self, queue: Queue) -> Found:
        """Return those that exist."""
        walk = Walk(BriefReader.of(queue), self.selection, limit=MOST, looked_at=_LOOKED_AT, next=self.cursor)
        ids = [job.id for page in walk for job in page.jobs]
        reason = next(iter(self.selection.reasons), "")
        return Found(ids, walk.next, reason, self.selection.error_class or "")


def check_dead_letter_action(change: Change) -> None:
    """Raise Problem unless the action is one for dead letters."""
    if change.action not in ("replay", "purge"):
        raise Problem(422, f"there is no action {change.action!r}")


def change_dead_letters(change: Change, meant: DeadLetters) -> int:
    """Replay or purge dead letters. Returns how many."""
    steps = {"replay": change.queue.replay, "purge": change.queue.purge}
    jobs = steps[change.action](meant.find(change.queue).ids)
    change.log(jobs=jobs)
    return jobs


def _priority(form: Mapping[str, str]) -> int:
    number = form.get("priority", "")
    if not (number.isascii() and number.isdecimal() and len(number) <= 3 and 1 <= int(number) <= 100):
        raise Problem(422, "expected a priority from 1 (most urgent) to 100")
    return int(number)
