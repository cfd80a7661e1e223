"""The first page: what needs attention, every queue, who works on what, and the latest dead letters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...queue.formatting import counted
from ..queues import Queues
from .queue_view import QueueView, Tone, view

#: Dead letters shown of all queues together.
_FAILURES = 5
#: What needs attention comes first.
_URGENCY: Mapping[Tone, int] = {"bad": 0, "wait": 1, "good": 2}


def overview(queues: Queues) -> dict[str, Any]:
    """Return what the template shows."""
    views = [view(queues, name, failures=_FAILURES) for name in queues.by_name]
    workers = [worker for each in views for worker in each.workers if worker.job]
    failures = [job for each in views for job in each.failures]
    return {
        "queues": sorted(views, key=lambda each: _URGENCY[each.tone]),
        "now": max((each.now for each in views), default=0),
        "summary": summary(views),
        "caps": queues.caps_in_use(),
        "workers": sorted(workers, key=lambda worker: -(worker.seconds or 0.0)),
        "idle": sum(len(each.workers) - each.busy for each in views),
        "failures": sorted(failures, key=lambda job: -(job.finished_at or 0))[:_FAILURES],
    }


def summary(views: Sequence[QueueView]) -> str:
    """Return the state of all queues in a sentence: read aloud each time it changes."""
    unwell = [each for each in views if each.tone == "bad"]
    others = [each for each in views if each.tone == "wait"]
    if not unwell and not others:
        return "All queues are open."
    if unwell:
        sentences = [f"{len(unwell)} of {counted(len(views), 'queue')} cannot work: {_listed(unwell)}."]
    else:
        sentences = ["No queue needs attention."]
    if others:
        sentences.append(f"{_listed(others)}.")
    return " ".join(sentences)


def _listed(views: Sequence[QueueView]) -> str:
    return "; ".join(
        f"{each.name} {'has' if each.word == 'no workers' else 'is'} {each.word}" for each in views
    )
