"""The page of a queue: its jobs in one state, filtered, a page at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...queue import Queue
from ...store.job import Job
from ...store.listing import LISTED
from ..guard import Problem
from .text import query

#: Jobs of a page.
_PAGE = 50
#: Filters, by their names in the address.
_FILTERS = ("userId", "reason", "errorClass")


def job_list(queue: Queue, asked: Mapping[str, str]) -> dict[str, Any]:
    """Return what the template shows. `asked`: the address's query. Raises Problem."""
    state = asked.get("state", "waiting")
    if state not in LISTED:
        raise Problem(404, f"there is no state {state!r}: expected {', '.join(LISTED)}")
    cursor = asked.get("cursor", "0")
    start = int(cursor) if cursor.isdecimal() and len(cursor) < 16 else 0
    filters = {name: asked[name] for name in _FILTERS if asked.get(name)}
    page = queue.jobs(state, start, _PAGE)

    def address(cursor: int) -> str:
        return query(state=state, **filters, cursor=str(cursor) if cursor else "")

    return {
        "state": state,
        "states": LISTED,
        "filters": {name: filters.get(name, "") for name in _FILTERS},
        "is_filtered": bool(filters),
        "jobs": [job for job in page if _matches(job, filters)],
        "due": _due(queue, page) if state == "delayed" else {},
        "first": start + 1,
        "looked_at": len(page),
        "newer": address(max(0, start - _PAGE)) if start else None,
        "older": address(start + _PAGE) if len(page) == _PAGE else None,
    }


def _matches(job: Job, filters: Mapping[str, str]) -> bool:
    data = job.data if "userId" in filters and isinstance(job.data, dict) else {}
    return (
        filters.get("userId") in (None, data.get("userId"))
        and filters.get("reason") in (None, job.reason)
        and filters.get("errorClass") in (None, (job.error or {}).get("class"))
    )


def _due(queue: Queue, jobs: Sequence[Job]) -> dict[str, int | None]:
    """Return when delayed jobs may start."""
    with queue.redis.pipeline(transaction=False) as pipeline:
        for job in jobs:
            pipeline.zscore(queue.keys.delayed, job.id)
        scores = pipeline.execute()
    return {job.id: None if score is None else int(score) for job, score in zip(jobs, scores, strict=True)}
