"""Routes of groups of jobs."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from ...store.group import Group
from ..polling import NOT_CHANGED, POLL_JOB, Known, polled
from ..problem import Problem
from ..queues import Queues
from .refusals import REFUSED_CHANGES

_Group = Annotated[str, Path(max_length=128)]


def group_routes(queues: Queues) -> APIRouter:
    """Return the routes of groups."""
    routes = APIRouter()

    @routes.get(
        "/queues/{queue}/groups/{group:path}",
        responses=NOT_CHANGED,
        summary="A group: how many of its jobs have ended",
    )
    def show_group(queue: str, group: _Group, known: Known = None) -> Response:
        found = _group(queue, group, queues.get(queue).group(group))
        return polled(found, known, None if found["ended"] else POLL_JOB)

    @routes.post(
        "/queues/{queue}/groups/{group:path}/close",
        responses=REFUSED_CHANGES,
        summary="Close a group: it ends when its jobs have ended",
    )
    def close_group(queue: str, group: _Group) -> dict[str, Any]:
        return _group(queue, group, queues.get(queue).close_group(group))

    return routes


def _group(queue: str, name: str, group: Group | None) -> dict[str, Any]:
    if group is None:
        raise Problem(404, f"queue {queue} has no group {name!r}")
    return group.to_dict()
