"""Routes of dead letters: replay and purge them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fastapi import APIRouter

from ...queue import Queue
from ...store.dead_letters import Walk
from ...store.reading.brief import BriefReader
from ...store.reading.filtering import MOST_LOOKED_AT
from ..queues import Queues
from .bodies import MOST_DEAD, Replay, Selected
from .refusals import REFUSED_CHANGES


def dead_letter_routes(queues: Queues) -> APIRouter:
    """Return the routes of dead letters."""
    routes = APIRouter()

    @routes.post("/queues/{queue}/dead/replay", responses=REFUSED_CHANGES, summary="Replay dead letters")
    def replay(queue: str, selected: Replay) -> dict[str, Any]:
        answer = _apply(queues.get(queue), selected, queues.get(queue).replay)
        if selected.dry_run:
            answer["cost"] = queues.forecast(queue, answer["ids"]).to_dict()
        return answer

    @routes.post("/queues/{queue}/dead/purge", responses=REFUSED_CHANGES, summary="Delete dead letters")
    def purge(queue: str, selected: Selected) -> dict[str, Any]:
        return _apply(queues.get(queue), selected, queues.get(queue).purge)

    return routes


def _apply(queue: Queue, selected: Selected, act: Callable[[Sequence[str]], int]) -> dict[str, Any]:
    walk = Walk(
        BriefReader.of(queue),
        selected.selection(),
        None if selected.dry_run else act,
        limit=MOST_DEAD,
        looked_at=MOST_LOOKED_AT,
        next=selected.cursor,
    )
    pages = list(walk)
    ids = [job.id for page in pages for job in page.jobs]
    jobs = len(ids) if selected.dry_run else sum(page.taken for page in pages)
    answer = {"queue": queue.name, "jobs": jobs, "dryRun": selected.dry_run, "next": walk.next}
    return {**answer, "ids": ids} if selected.dry_run else answer
