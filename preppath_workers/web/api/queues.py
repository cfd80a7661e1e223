"""Routes of queues: their summaries, pause and resume."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from ..polling import NOT_CHANGED, POLL_QUEUE, Known, polled
from ..queues import Queues
from .refusals import REFUSED_CHANGES


def queue_routes(queues: Queues) -> APIRouter:
    """Return the routes of queues."""
    routes = APIRouter()

    @routes.get("/queues", responses=NOT_CHANGED, summary="All queues: jobs by state, workers, gate")
    def list_queues(known: Known = None) -> Response:
        return polled([queues.summary(name) for name in queues.by_name], known, POLL_QUEUE)

    @routes.get("/queues/{queue}", responses=NOT_CHANGED, summary="One queue")
    def show_queue(queue: str, known: Known = None) -> Response:
        return polled(queues.summary(queue), known, POLL_QUEUE)

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

    return routes
