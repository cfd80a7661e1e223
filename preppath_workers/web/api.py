"""The JSON API. Shapes and words are those of the commands' `--json`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from ..errors import NotReplicated, UnknownJob
from ..queue import JobRef, Queue
from ..queue.new_job import DataTooLarge
from ..store.group import Group
from ..store.job import DEFAULT_PRIORITY, Job
from ..store.listing import Listed
from .events import as_json, stream
from .guard import Problem
from .queues import Queues

#: Seconds after which a client that polls should ask again.
_POLL_AFTER = "1"

_Limit = Annotated[int, Query(ge=1, le=200, description="jobs of one page")]
#: An id may have slashes in it.
_JobId = Annotated[str, Path(alias="jobId", max_length=128)]
_Group = Annotated[str, Path(max_length=128)]


class NewJobBody(BaseModel):
    """A job to add; the fields are those of the command `enqueue`."""

    model_config = ConfigDict(extra="forbid")

    data: dict[str, Any]
    id: str | None = Field(None, max_length=128)
    priority: int = Field(DEFAULT_PRIORITY, ge=1, le=100)
    delay: float = Field(0.0, ge=0, description="seconds")
    expires: float | None = Field(None, ge=0, description="seconds")
    group: str | None = Field(None, max_length=128)
    group_size: int | None = Field(None, alias="groupSize", ge=1)


class Selected(BaseModel):
    """Dead jobs to replay or purge: by id, oldest first."""

    model_config = ConfigDict(extra="forbid")

    ids: list[str] = Field(min_length=1, max_length=500)
    dry_run: bool = Field(False, alias="dryRun")


def router(queues: Queues) -> APIRouter:
    """Return the routes under /api/v1."""
    routes = APIRouter(prefix="/api/v1")
    _add_reading(routes, queues)
    _add_jobs(routes, queues)
    _add_control(routes, queues)
    return routes


def _add_reading(routes: APIRouter, queues: Queues) -> None:
    @routes.get("/queues", summary="All queues: jobs by state, workers, gate")
    def list_queues() -> list[dict[str, Any]]:
        return [queues.summary(name) for name in queues.by_name]

    @routes.get("/queues/{queue}", summary="One queue")
    def show_queue(queue: str) -> dict[str, Any]:
        return queues.summary(queue)

    @routes.get("/queues/{queue}/groups/{group:path}", summary="A group: how many of its jobs have ended")
    def show_group(queue: str, group: _Group) -> dict[str, Any]:
        return _group(queue, group, queues.get(queue).group(group))

    @routes.get("/queues/{queue}/jobs", summary="The jobs in a state, as the command `jobs` lists them")
    def list_jobs(
        queue: str,
        state: Listed = "waiting",
        cursor: Annotated[int, Query(ge=0, description="`next` of the page before")] = 0,
        limit: _Limit = 50,
        user_id: Annotated[str | None, Query(alias="userId")] = None,
        reason: str | None = None,
        error_class: Annotated[str | None, Query(alias="errorClass")] = None,
    ) -> dict[str, Any]:
        page = queues.get(queue).jobs(state, cursor, limit)

        def matches(job: Job) -> bool:
            data = job.data if isinstance(job.data, dict) else {}
            return (
                user_id in (None, data.get("userId"))
                and reason in (None, job.reason)
                and error_class in (None, (job.error or {}).get("class"))
            )

        jobs = [job.to_dict() for job in page if matches(job)]
        return {"jobs": jobs, "next": cursor + limit if len(page) == limit else None}


def _add_jobs(routes: APIRouter, queues: Queues) -> None:
    @routes.post("/jobs/{queue}", status_code=202, summary="Add a job; 200 if its id exists already")
    def enqueue(queue: str, body: NewJobBody, response: Response) -> dict[str, Any]:
        ref = _enqueue(queues.get(queue), body)
        response.status_code = 202 if ref.created else 200
        response.headers["Location"] = f"/api/v1/jobs/{queue}/{ref.id}"
        return {"queue": queue, "id": ref.id, "created": ref.created}

    @routes.get(
        "/audio/transcription-status/{jobId:path}", summary="A transcription: state, progress, result"
    )
    def transcription(
        job_id: _JobId,
        if_none_match: Annotated[str | None, Header()] = None,
    ) -> Response:
        return _job(queues.get("transcription"), job_id, if_none_match)

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
        return StreamingResponse(stream(found, job_id, last_event_id), media_type="text/event-stream")

    @routes.post("/jobs/{queue}/{jobId:path}/cancel", summary="Cancel a job that has not ended")
    def cancel(queue: str, job_id: _JobId) -> dict[str, str]:
        try:
            state = queues.get(queue).cancel(job_id)
        except UnknownJob:
            raise _unknown(queues.get(queue), job_id) from None
        if state != "cancelled":
            raise Problem(409, f"cannot cancel job {job_id}: it is {state}")
        return {"queue": queue, "id": job_id, "state": state}

    @routes.get("/jobs/{queue}/{jobId:path}", summary="A job: state, progress, error and result")
    def show_job(
        queue: str,
        job_id: _JobId,
        if_none_match: Annotated[str | None, Header()] = None,
    ) -> Response:
        return _job(queues.get(queue), job_id, if_none_match)


def _enqueue(queue: Queue, body: NewJobBody) -> JobRef:
    try:
        return queue.enqueue(
            body.data,
            id=body.id,
            priority=body.priority,
            delay=body.delay,
            expires=body.expires,
            group=body.group,
            group_size=body.group_size,
        )
    except DataTooLarge as error:
        raise Problem(413, str(error)) from None
    except ValueError as error:
        raise Problem(422, str(error)) from None
    except NotReplicated as error:
        raise Problem(503, str(error)) from None


def _add_control(routes: APIRouter, queues: Queues) -> None:
    @routes.post("/queues/{queue}/pause", summary="Let nothing start any more, on any machine")
    def pause(queue: str) -> dict[str, Any]:
        queues.get(queue).pause()
        return queues.summary(queue)

    @routes.post("/queues/{queue}/resume", summary="End a pause or a hold")
    def resume(queue: str) -> dict[str, Any]:
        queues.get(queue).resume()
        return queues.summary(queue)

    @routes.post("/queues/{queue}/groups/{group:path}/close", summary="Let a group end when its jobs have")
    def close_group(queue: str, group: _Group) -> dict[str, Any]:
        return _group(queue, group, queues.get(queue).close_group(group))

    @routes.post("/queues/{queue}/dead/replay", summary="Run dead jobs again")
    def replay(queue: str, selected: Selected) -> dict[str, Any]:
        return _dead(queues.get(queue), selected, queues.get(queue).replay)

    @routes.post("/queues/{queue}/dead/purge", summary="Delete dead jobs permanently")
    def purge(queue: str, selected: Selected) -> dict[str, Any]:
        return _dead(queues.get(queue), selected, queues.get(queue).purge)


def _dead(queue: Queue, selected: Selected, act: Callable[[Sequence[str]], int]) -> dict[str, Any]:
    if selected.dry_run:
        dead = [job.id for job in queue.get_many(selected.ids) if job.state == "failed"]
        return {"queue": queue.name, "jobs": len(dead), "ids": dead, "dryRun": True}
    return {"queue": queue.name, "jobs": act(selected.ids), "dryRun": False}


def _job(queue: Queue, job_id: str, known: str | None) -> Response:
    job = _existing(queue, job_id)
    body, version = as_json(job)
    headers = {"ETag": f'"{version}"'}
    if not job.is_finished:
        headers["Retry-After"] = _POLL_AFTER
    if known == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


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
