"""The JSON API. Shapes and words are those of the commands' `--json`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Response
from fastapi.responses import StreamingResponse

from ..errors import NotReplicated, UnknownJob
from ..queue import JobRef, Queue
from ..queue.cost_report import By, as_dict, budget_as_dict, cost_report, since_of
from ..queue.new_job import DataTooLarge
from ..queue.tracing import is_traceparent
from ..store.dead_letters import Walk
from ..store.group import Group
from ..store.job import Job
from ..store.reading.brief import BriefReader
from ..store.reading.filtering import AGE, MOST_LOOKED_AT, JobFilter, find_jobs
from ..store.reading.listing import Listed
from .bodies import (
    MOST_CURSOR,
    MOST_DEAD,
    REFUSALS,
    REFUSED_CHANGES,
    Cancellation,
    NewJobBody,
    Replay,
    Selected,
    optional_age_ms,
)
from .events import stream
from .guard import Problem
from .polling import NOT_CHANGED, Known, polled
from .queues import Queues
from .streams import Streams

#: Seconds after which a client that polls should ask again: for a job or group, a queue, and costs.
_POLL_JOB, _POLL_QUEUE, _POLL_COSTS = 1, 2, 10


def _age(alias: str) -> Any:
    return Query(alias=alias, pattern=f"^{AGE}$", description="age in its state: 90s, 30m, 2h, 7d")


_Limit = Annotated[int, Query(ge=1, le=200, description="jobs of one page")]
#: An id may have slashes in it.
_JobId = Annotated[str, Path(alias="jobId", max_length=128)]
_Group = Annotated[str, Path(max_length=128)]


def router(queues: Queues, streams: Streams) -> APIRouter:
    """Return the routes under /api/v1."""
    routes = APIRouter(prefix="/api/v1", responses=REFUSALS)
    _add_reading(routes, queues)
    _add_costs(routes, queues)
    _add_jobs(routes, queues, streams)
    _add_control(routes, queues)
    return routes


def _add_reading(routes: APIRouter, queues: Queues) -> None:
    @routes.get("/queues", responses=NOT_CHANGED, summary="All queues: jobs by state, workers, gate")
    def list_queues(known: Known = None) -> Response:
        return polled([queues.summary(name) for name in queues.by_name], known, _POLL_QUEUE)

    @routes.get("/queues/{queue}", responses=NOT_CHANGED, summary="One queue")
    def show_queue(queue: str, known: Known = None) -> Response:
        return polled(queues.summary(queue), known, _POLL_QUEUE)

    @routes.get(
        "/queues/{queue}/groups/{group:path}",
        responses=NOT_CHANGED,
        summary="A group: how many of its jobs have ended",
    )
    def show_group(queue: str, group: _Group, known: Known = None) -> Response:
        found = _group(queue, group, queues.get(queue).group(group))
        return polled(found, known, None if found["ended"] else _POLL_JOB)

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
        return polled(page, known, _POLL_QUEUE)


def _add_costs(routes: APIRouter, queues: Queues) -> None:
    @routes.get(
        "/costs", responses=NOT_CHANGED, summary="What paid requests have cost, and what is left of caps"
    )
    def show_costs(
        by: By = "model",
        since: Annotated[
            str, Query(max_length=20, description="a day, or 7d: 7 days including today")
        ] = "1d",
        limit: Annotated[int, Query(ge=1, le=1_000, description="rows")] = 50,
        known: Known = None,
    ) -> Response:
        try:
            report = cost_report([*queues.by_name.values()], by, since_of(since), limit)
        except ValueError as error:
            raise Problem(422, str(error)) from None
        answer = {
            "by": by,
            "since": report.first.isoformat(),
            "rows": report.to_dicts(),
            "more": report.more,
            "total": as_dict(report.total),
            "caps": [budget_as_dict(use) for use in queues.caps_in_use()],
        }
        return polled(answer, known, _POLL_COSTS)


def _add_jobs(routes: APIRouter, queues: Queues, streams: Streams) -> None:
    @routes.post(
        "/jobs/{queue}",
        responses={**REFUSED_CHANGES, 200: {"description": "the id exists already: nothing was added"}},
        status_code=202,
        summary="Add a job; 200 if its id exists already",
    )
    def enqueue(
        queue: str,
        body: NewJobBody,
        response: Response,
        traceparent: Annotated[str | None, Header(description="W3C Trace Context")] = None,
    ) -> dict[str, Any]:
        ref = _enqueue(queues.get(queue), body, traceparent)
        response.status_code = 202 if ref.created else 200
        response.headers["Location"] = f"/api/v1/jobs/{queue}/{ref.id}"
        return {"queue": queue, "id": ref.id, "created": ref.created}

    @routes.get(
        "/audio/transcription-status/{jobId:path}",
        responses=NOT_CHANGED,
        summary="A transcription: state, progress, result",
    )
    def transcription(job_id: _JobId, known: Known = None) -> Response:
        return _job(queues.get("transcription"), job_id, known)

    @routes.get(
        "/jobs/{queue}/{jobId:path}/events", summary="Server-sent events: each change, until the job ends"
    )
    def follow(
        queue: str,
        job_id: _JobId,
        last_event_id: Annotated[str | None, Header()] = None,
    ) -> StreamingResponse:
        found = queues.get(queue)
        _existing(found, job_id)
        return streams.response(stream(found, job_id, last_event_id))

    @routes.post(
        "/jobs/{queue}/{jobId:path}/cancel",
        responses=REFUSED_CHANGES,
        summary="Cancel a job that has not ended",
    )
    def cancel(queue: str, job_id: _JobId) -> dict[str, str]:
        try:
            state = queues.get(queue).cancel(job_id)
        except UnknownJob:
            raise _unknown(queues.get(queue), job_id) from None
        if state != "cancelled":
            raise Problem(409, f"cannot cancel job {job_id}: it is {state}")
        return {"queue": queue, "id": job_id, "state": state}

    @routes.get(
        "/jobs/{queue}/{jobId:path}",
        responses=NOT_CHANGED,
        summary="A job: state, progress, error and result",
    )
    def show_job(queue: str, job_id: _JobId, known: Known = None) -> Response:
        return _job(queues.get(queue), job_id, known)


def _enqueue(queue: Queue, body: NewJobBody, traceparent: str | None) -> JobRef:
    try:
        return queue.enqueue(
            body.data,
            id=body.id,
            priority=body.priority,
            delay=body.delay,
            expires=body.expires,
            group=body.group,
            group_size=body.group_size,
            # A header that is wrong is ignored, as the standard asks.
            traceparent=traceparent if traceparent and is_traceparent(traceparent) else None,
        )
    except DataTooLarge as error:
        raise Problem(413, str(error)) from None
    except ValueError as error:
        raise Problem(422, str(error)) from None
    except NotReplicated as error:
        raise Problem(503, str(error)) from None


def _add_control(routes: APIRouter, queues: Queues) -> None:
    @routes.post(
        "/queues/{queue}/pause",
        responses=REFUSED_CHANGES,
        summary="Pause: no job starts, on any machine",
    )
    def pause(queue: str) -> dict[str, Any]:
        queues.get(queue).pause()
        return queues.summary(queue)

    @routes.post("/queues/{queue}/resume", responses=REFUSED_CHANGES, summary="End a pause or a hold")
    def resume(queue: str) -> dict[str, Any]:
        queues.get(queue).resume()
        return queues.summary(queue)

    @routes.post(
        "/queues/{queue}/groups/{group:path}/close",
        responses=REFUSED_CHANGES,
        summary="Close a group: it ends when its jobs have ended",
    )
    def close_group(queue: str, group: _Group) -> dict[str, Any]:
        return _group(queue, group, queues.get(queue).close_group(group))

    @routes.post(
        "/queues/{queue}/jobs/cancel",
        responses=REFUSED_CHANGES,
        summary="Cancel the jobs of a state that meet conditions",
    )
    def cancel_many(queue: str, cancellation: Cancellation) -> dict[str, Any]:
        return _cancel_many(queues.get(queue), cancellation)

    @routes.post("/queues/{queue}/dead/replay", responses=REFUSED_CHANGES, summary="Replay dead letters")
    def replay(queue: str, selected: Replay) -> dict[str, Any]:
        answer = _dead(queues.get(queue), selected, queues.get(queue).replay)
        if selected.dry_run:
            answer["cost"] = queues.forecast(queue, answer["ids"]).to_dict()
        return answer

    @routes.post("/queues/{queue}/dead/purge", responses=REFUSED_CHANGES, summary="Delete dead letters")
    def purge(queue: str, selected: Selected) -> dict[str, Any]:
        return _dead(queues.get(queue), selected, queues.get(queue).purge)


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


def _dead(queue: Queue, selected: Selected, act: Callable[[Sequence[str]], int]) -> dict[str, Any]:
    walk = Walk(
        BriefReader.of(queue),
        selected.selection(),
        (lambda _: 0) if selected.dry_run else act,
        limit=MOST_DEAD,
        looked_at=MOST_LOOKED_AT,
        next=selected.cursor,
    )
    pages = list(walk)
    ids = [job.id for page in pages for job in page.jobs]
    jobs = len(ids) if selected.dry_run else sum(page.taken for page in pages)
    answer = {"queue": queue.name, "jobs": jobs, "dryRun": selected.dry_run, "next": walk.next}
    return {**answer, "ids": ids} if selected.dry_run else answer


def _job(queue: Queue, job_id: str, known: str | None) -> Response:
    job = _existing(queue, job_id)
    return polled(job.to_dict(), known, None if job.is_finished else _POLL_JOB)


def _existing(queue: Queue, job_id: str) -> Job:
    job = queue.get(job_id)
    if job is None:
        raise _unknown(queue, job_id)
    return job


def _group(queue: str, name: str, group: Group | None) -> dict[str, Any]:
    if group is None:
        raise Problem(404, f"queue {queue} has no group {name!r}")
    return group.to_dict()


def _unknown(queue: Queue, job_id: str) -> Problem:
    return Problem(404, f"queue {queue.name} has no job {job_id!r}; finished jobs expire")
