"""The JSON API, one file for each kind of thing. Shapes and words are those of the commands' `--json`."""

from __future__ import annotations

from fastapi import APIRouter

from ..queues import Queues
from ..streams import Streams
from .costs import cost_routes
from .dead_letters import dead_letter_routes
from .groups import group_routes
from .job_lists import job_list_routes
from .jobs import job_routes
from .queues import queue_routes
from .refusals import REFUSALS


def router(queues: Queues, streams: Streams) -> APIRouter:
    """Return the routes under /api/v1."""
    routes = APIRouter(prefix="/api/v1", responses=REFUSALS)
    routes.include_router(queue_routes(queues))
    routes.include_router(job_list_routes(queues))
    routes.include_router(group_routes(queues))
    routes.include_router(dead_letter_routes(queues))
    routes.include_router(job_routes(queues, streams))
    routes.include_router(cost_routes(queues))
    return routes
