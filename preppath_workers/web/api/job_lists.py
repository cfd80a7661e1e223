"""Routes of the jobs in a state: list them, cancel many."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from ...errors import UnknownJob
from ...queue import Queue
from ...store.reading.filtering import AGE, JobFilter, find_jobs
from ...store.reading.listing import Listed
from ..polling import NOT_CHANGED, POLL_QUEUE, Known, polled
from ..queues import Queues
from .bodies import MOST_CURSOR, Cancellation, optional_age_ms
from .refusals import REFUSED_CHANGES

_Limit = Annotated[int, Query(ge=1, le=200, description="jobs of one page")]


def job_list_routes(queues: Queues) -> APIRouter:
    """Return the routes of the jobs in a state."""
    routes = APIRouter()

    @routes.get(
        "/queues/{queue}/jobs",
        responses=NOT_CHANGED,
        summary="The jobs in a state, as the command `jobs` lists them",
    )
    def list_jobs(
        queue: str,
        known: Known = None,
        state: Listed = "waiting",
        cursor: Annotated[int, Query(ge=0, le=MOST_CURSOR, description="`next` of the page before")] = 0,
        limit: _Limit = 50,
        user_id: Annotated[str | None, Query(alias="userId")] = None,
        reason: str | None = None,
        error_class: Annotated[str | None, Query(alias="errorClass")] = None,
        part_of_id: Annotated[str | None, Query(alias="id", description="a part of the id")] = None,
        older_than: Annotated[str | None, _age("olderThan")] = None,
        newer_than: Annotated[str | None, _age("newerThan")] = None,
    ) -> Response:
        conditions = JobFilter(
            part_of_id, user_id, reason, error_class, optional_age_ms(older_than), optional_age_ms(newer_than)
        )
        found = find_jobs(queues.get(queue), state, conditions, cursor, limit)
        page = {"jobs": [job.to_dict() for job in found.jobs], "next": found.next}
        return polled(page, known, POLL_QUEUE)

    @routes.post(
        "/queues/{queue}/jobs/cancel",
        responses=REFUSED_CHANGES,
        summary="Cancel the jobs of a state that meet conditions",
    )
    def cancel_many(queue: str, cancellation: Cancellation) -> dict[str, Any]:
        return _cancel_many(queues.get(queue), cancellation)

    return routes


def _age(alias: str) -> Any:
    return Query(alias=alias, pattern=f"^{AGE}$", description="age in its state: 90s, 30m, 2h, 7d")


def _cancel_many(queue: Queue, asked: Cancellation) -> dict[str, Any]:
    found = find_jobs(queue, asked.state, asked.conditions(), asked.cursor, asked.limit)
    answer = {"queue": queue.name, "dryRun": asked.dry_run, "next": found.next}
    if asked.dry_run:
        return {**answer, "jobs": len(found.jobs), "ids": [job.id for job in found.jobs]}
    became = Counter(_cancelled(queue, job.id, asked.state) for job in found.jobs)
    # The cancelled jobs have left the list; active ones leave it when their workers end them.
    if found.next is not None:
        answer["next"] = max(0, found.next - became["cancelled"])
    return {**answer, "jobs": became["cancelled"] + became["cancelling"]}


def _cancelled(queue: Queue, job_id: str, state: str) -> str:
    """Return what became of a job, which may have started or ended meanwhile."""
    try:
        return queue.cancel(job_id, running=state == "active")
    except UnknownJob:
        return "unknown"
