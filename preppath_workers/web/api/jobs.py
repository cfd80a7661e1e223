"""Routes of one job: add it, show it, follow it, cancel it."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Header, Path, Query, Response

from ...errors import NotReplicated, UnknownJob
from ...queue import JobRef, Queue
from ...queue.new_job import DataTooLarge, due_time
from ...queue.tracing import is_traceparent
from ...store.job import State
from ..events import stream, version
from ..polling import NOT_CHANGED, POLL_JOB, Known, polled
from ..problem import Problem, no_such_job
from ..queues import Queues
from ..streams import Streams
from .bodies import NewJobBody
from .refusals import REFUSED_CHANGES

#: An id may have slashes in it.
_JobId = Annotated[str, Path(alias="jobId", max_length=128)]


def job_routes(queues: Queues, streams: Streams) -> APIRouter:
    """Return the routes of one job."""
    routes = APIRouter()

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
        # Quoted, since a client would take `..` in an id for a folder.
        response.headers["Location"] = f"/api/v1/jobs/{queue}/{quote(ref.id, safe='')}"
        return {"queue": queue, "id": ref.id, "created": ref.created}

    @routes.get(
        "/audio/transcription-status/{jobId:path}",
        responses=NOT_CHANGED,
        summary="A transcription: state, progress, result",
    )
    def transcription(job_id: _JobId, known: Known = None) -> Response:
        return _job(queues.get("transcription"), job_id, known)

    @routes.get(
        "/jobs/{queue}/{jobId:path}/events",
        responses={204: {"description": "it has ended, and the client has seen that: do not reconnect"}},
        summary="Server-sent events: each change, until the job ends",
    )
    def follow(
        queue: str,
        job_id: _JobId,
        last_event_id: Annotated[str | None, Header()] = None,
        known: Known = None,
    ) -> Response:
        return _follow(queues.get(queue), job_id, last_event_id, known, streams)

    @routes.post(
        "/jobs/{queue}/{jobId:path}/cancel",
        responses={**REFUSED_CHANGES, 202: {"description": "its worker interrupts it within a second"}},
        summary="Cancel a job that has not ended",
    )
    def cancel(
        queue: str,
        job_id: _JobId,
        response: Response,
        running: Annotated[bool, Query(description="also if it is active")] = False,
    ) -> dict[str, str]:
        state = _cancel(queues.get(queue), job_id, running)
        response.status_code = 200 if state == "cancelled" else 202
        return {"queue": queue, "id": job_id, "state": state}

    @routes.get(
        "/jobs/{queue}/{jobId:path}",
        responses=NOT_CHANGED,
        summary="A job: state, progress, error and result",
    )
    def show_job(queue: str, job_id: _JobId, known: Known = None) -> Response:
        return _job(queues.get(queue), job_id, known)

    return routes


def _enqueue(queue: Queue, body: NewJobBody, traceparent: str | None) -> JobRef:
    try:
        return queue.enqueue(
            body.data,
            id=body.id,
            priority=body.priority,
            delay=body.delay,
            at=due_time(body.at) if body.at is not None else None,
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


def _cancel(queue: Queue, job_id: str, running: bool) -> State:
    try:
        state = queue.cancel(job_id, running)
    except UnknownJob:
        raise _unknown(queue, job_id) from None
    if state not in ("cancelled", "cancelling"):
        raise Problem(409, f"cannot cancel job {job_id}: it is {state}")
    return state


def _follow(queue: Queue, job_id: str, last_id: str | None, known: str | None, streams: Streams) -> Response:
    job, other_id = queue.get(job_id), f"{job_id}/events"
    if job is None and queue.get(other_id):  # the end of its id, not of the route
        return _job(queue, other_id, known)
    if job is None:
        raise _unknown(queue, job_id)
    if job.is_finished and version(job) == last_id:
        return Response(status_code=204)
    return streams.response(stream(queue, job_id, last_id))


def _job(queue: Queue, job_id: str, known: str | None) -> Response:
    job = queue.get(job_id)
    if job is None:
        raise _unknown(queue, job_id)
    return polled(job.to_dict(), known, None if job.is_finished else POLL_JOB)


def _unknown(queue: Queue, job_id: str) -> Problem:
    return Problem(404, no_such_job(queue.name, job_id))
