"""Finds the jobs of a state that meet conditions, a bounded number at a time: a queue may hold millions."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from ..job import Job
from .listing import Listed, list_places
from .reader import QueueReader

#: Jobs that one call looks at, at most: bounds its time if few of them meet the conditions.
MOST_LOOKED_AT = 2_000

#: Jobs that are read at a time.
_PAGE = 200

_UNITS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}

#: What an age looks like: 90s, 30m, 2h, 7d.
AGE = r"[0-9]{1,6}[smhd]"


def age_ms(word: str) -> int:
    """Return the age in ms. Raises ValueError for anything that isn't an AGE."""
    if not re.fullmatch(AGE, word):
        raise ValueError(f"{word!r} is not an age such as 90s, 30m, 2h or 7d")
    return int(word[:-1]) * _UNITS[word[-1]]


@dataclass(frozen=True)
class JobFilter:
    """Conditions, all of which a job has to meet; None for any.

    Args:
        id: a part of its id.
        user_id: `userId` of its data, likewise.
        reason: why it is in the dead-letter list.
        error_class: the class of its last error.
        min_age_ms, max_age_ms: how long it has been in its state.
        where: names of fields of its data, and their values as `as_text` has them.
    """

    id: str | None = None
    user_id: str | None = None
    reason: str | None = None
    error_class: str | None = None
    min_age_ms: int | None = None
    max_age_ms: int | None = None
    where: tuple[tuple[str, str], ...] = ()

    def holds(self, job: Job, now: int) -> bool:
        """Return whether the job meets the conditions; `now` in ms since the epoch."""
        age = now - (_since(job) or now)
        return (
            (self.id is None or self.id in job.id)
            and self.reason in (None, job.reason)
            and (self.min_age_ms is None or age >= self.min_age_ms)
            and (self.max_age_ms is None or age <= self.max_age_ms)
            and self.error_class in (None, (job.error or {}).get("class"))
            and (self.user_id is None or _has(job, "userId", self.user_id))
            and all(_has(job, name, value) for name, value in self.where)
        )


@dataclass(frozen=True)
class Found:
    """Jobs that meet the conditions, and where the next call goes on; None at the end of the list."""

    jobs: list[Job]
    next: int | None


def find_jobs(
    queue: QueueReader, state: Listed, conditions: JobFilter, start: int = 0, count: int = 50
) -> Found:
    """Return the next jobs of a state, in the order of `list_jobs`, that meet the conditions.

    They may be fewer than `count`, even none, although more follow: go on at `next`.
    """
    now, found, position = queue.now(), list[Job](), start
    while position < start + MOST_LOOKED_AT:
        # Without conditions, no more is read than is returned.
        size = count - len(found) if conditions == JobFilter() else _PAGE
        places = list_places(queue, state, position, size)
        for job in places:
            position += 1
            if job and conditions.holds(job, now):
                found.append(job)
                if len(found) == count:
                    return Found(found, position)
        if len(places) < size:
            return Found(found, None)
    return Found(found, position)


def _since(job: Job) -> int | None:
    """Return when the job came into its state; for a delayed job, when it was created."""
    match job.state:
        case "active":
            return job.started_at
        case "waiting":
            return job.queued_at or job.created_at
        case "delayed":
            return job.created_at
        case _:
            return job.finished_at


def as_text(value: object) -> str:
    """Return a value of JSON as a user writes it: a text as it is, all else as JSON (`5`, `true`, `null`)."""
    return value if isinstance(value, str) else json.dumps(value)


def _has(job: Job, name: str, value: str) -> bool:
    data = job.data
    return isinstance(data, dict) and name in data and as_text(data[name]) == value
