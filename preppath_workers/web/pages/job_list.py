"""The page of a queue: its jobs in one state, filtered, a page at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...queue import Queue
from ...store.job import Job
from ...store.reading.brief import BriefReader
from ...store.reading.filtering import JobFilter, age_ms, find_jobs
from ...store.reading.listing import LISTED
from ...store.values import score_ms
from ..problem import Problem
from .text import cursor_of, query

#: Jobs of a page.
_PAGE = 50
#: Filters, by their names in the address, with their labels.
_FILTERS: Mapping[str, str] = {
    "id": "Part of the id",
    "userId": "User",
    "reason": "Reason",
    "errorClass": "Error class",
    "olderThan": "Older than (2h)",
    "newerThan": "Newer than (7d)",
}


def job_list(queue: Queue, asked: Mapping[str, str]) -> dict[str, Any]:
    """Return what the template shows. `asked`: the address's query. Raises Problem."""
    state = asked.get("state", "waiting")
    if state not in LISTED:
        raise Problem(404, f"there is no state {state!r}: expected {', '.join(LISTED)}")
    start = cursor_of(asked)
    filters = {name: asked[name] for name in _FILTERS if asked.get(name)}
    # Only the whole data says whose job it is.
    reader = queue if "userId" in filters else BriefReader.of(queue)
    found = find_jobs(reader, state, _conditions(filters), start, _PAGE)

    def address(cursor: int) -> str:
        return query(state=state, **filters, cursor=str(cursor) if cursor else "")

    return {
        "state": state,
        "states": LISTED,
        "filters": [(name, label, filters.get(name, "")) for name, label in _FILTERS.items()],
        "is_filtered": bool(filters),
        "jobs": found.jobs,
        "due": _due(queue, found.jobs) if state == "delayed" else {},
        "first": start + 1,
        "beginning": address(0) if start else None,
        "more": address(found.next) if found.next else None,
    }


def _conditions(filters: Mapping[str, str]) -> JobFilter:
    try:
        older, newer = (
            age_ms(filters[name]) if name in filters else None for name in ("olderThan", "newerThan")
        )
    except ValueError as error:
        raise Problem(422, str(error)) from None
    part, user, reason, error_class = (filters.get(name) for name in ("id", "userId", "reason", "errorClass"))
    return JobFilter(part, user, reason, error_class, older, newer)


def _due(queue: Queue, jobs: Sequence[Job]) -> dict[str, int | None]:
    """Return when delayed jobs may start."""
    with queue.redis.pipeline(transaction=False) as pipeline:
        for job in jobs:
            pipeline.zscore(queue.keys.delayed, job.id)
        scores = pipeline.execute()
    return {
        job.id: None if score is None else score_ms(score) for job, score in zip(jobs, scores, strict=True)
    }
