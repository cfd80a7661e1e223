"""The route of what paid requests have cost."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from ...queue.cost_report import By, as_dict, budget_as_dict, cost_report, since_of
from ..polling import NOT_CHANGED, POLL_COSTS, Known, polled
from ..problem import Problem
from ..queues import Queues

#: The pattern is for OpenAPI only: `since_of` also says what is wrong.
_Since = Annotated[
    str,
    Query(
        max_length=20,
        description="a day that is not in the future, or 7d: 7 days including today",
        json_schema_extra={"pattern": r"^([1-9][0-9]{0,2}d|[0-9]{4}-[0-9]{2}-[0-9]{2})$"},
    ),
]


def cost_routes(queues: Queues) -> APIRouter:
    """Return the route of costs."""
    routes = APIRouter()

    @routes.get(
        "/costs", responses=NOT_CHANGED, summary="What paid requests have cost, and what is left of caps"
    )
    def show_costs(
        by: By = "model",
        since: _Since = "1d",
        limit: Annotated[int, Query(ge=1, le=1_000, description="rows")] = 50,
        known: Known = None,
    ) -> Response:
        try:
            first = since_of(since)
        except ValueError as error:
            raise Problem(422, str(error)) from None
        report = cost_report([*queues.by_name.values()], by, first, limit)
        answer = {
            "by": by,
            "since": report.first.isoformat(),
            "rows": report.to_dicts(),
            "more": report.more,
            "total": as_dict(report.total),
            "caps": [budget_as_dict(use) for use in queues.caps_in_use()],
        }
        return polled(answer, known, POLL_COSTS)

    return routes
