"""The page of a queue's dead letters: grouped by error, and the newest of a group to choose from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ...queue import Queue
from ...store.dead_letters import Selection, newest
from ...store.job import Job
from ...store.reading.brief import BriefReader

#: Dead letters that are grouped, the newest ones: the list may be of any length.
MOST = 1_000
#: Dead letters of a group that are shown to choose from.
_SHOWN = 50


@dataclass
class Group:
    """Dead letters of one reason and error class."""

    reason: str
    error_class: str
    #: The newest one's message.
    message: str
    jobs: int
    newest: int
    oldest: int


def dead_view(queue: Queue, asked: Mapping[str, str]) -> dict[str, Any]:
    """Return what the template shows. `asked`: the address's query."""
    selection = selection_of(asked)
    jobs = list(newest(BriefReader.of(queue), Selection(), MOST))
    now = queue.now()
    return {
        "now": now,
        "groups": _groups(jobs),
        "all": queue.counts().failed,
        "looked_at": len(jobs),
        "reason": asked.get("reason", ""),
        "error_class": asked.get("errorClass", ""),
        "is_filtered": bool(asked.get("reason") or asked.get("errorClass")),
        "jobs": list(islice((job for job in jobs if selection.holds(job, now)), _SHOWN)),
        "matching": sum(selection.holds(job, now) for job in jobs),
    }


def selection_of(asked: Mapping[str, str]) -> Selection:
    """Return the selection that a form or address names by reason and error class."""
    reason, error_class = asked.get("reason"), asked.get("errorClass")
    return Selection(reasons=(reason,) if reason else (), error_class=error_class or None)


def _groups(jobs: list[Job]) -> list[Group]:
    groups: dict[tuple[str, str], Group] = {}
    for job in jobs:
        error, died = job.error or {}, job.finished_at or 0
        key = str(job.reason or ""), str(error.get("class", ""))
        group = groups.get(key)
        if group is None:
            groups[key] = Group(*key, str(error.get("message", "")), 1, died, died)
        else:
            group.jobs += 1
            group.newest, group.oldest = max(group.newest, died), min(group.oldest, died)
    return sorted(groups.values(), key=lambda group: -group.newest)
