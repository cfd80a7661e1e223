"""The page of a job: where it is and why, what happened to it, and what it holds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ...config.model import RateLimit
from ...queue import Queue
from ...queue.cost_words import cost_of
from ...queue.explain import explain
from ...queue.formatting import counted, span
from ...store.job import Job
from ...store.reading.location import JobLocation
from ...store.reading.troubles import machine_troubles
from ..problem import Problem, no_such_job

#: What may stand in a Content-Security-Policy: nothing that could end the directive.
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+")

#: The queue whose results are sound.
_SPEECH = "tts"


@dataclass(frozen=True)
class Step:
    """A moment in the life of a job."""

    at: int
    title: str
    detail: str = ""
    tone: str = ""
    #: Time since the step before, ms.
    after: int | None = None


def job_view(queue: Queue, job_id: str, limit: RateLimit | None) -> dict[str, Any]:
    """Return what the template shows. Raises Problem."""
    job = queue.get(job_id)
    if job is None:
        raise Problem(404, no_such_job(queue.name, job_id))
    location = queue.locate(job_id, limit)
    sound = _sound(job)
    return {
        "job": job,
        "now": location.at,
        "why": explain(job, location, queue.gate(), machine_troubles(queue)),
        "steps": list(_with_spans(_steps(job, location))),
        "data": job.data if job.data is not None else job.raw_data,
        "sound": sound,
        "media": _origin(sound),
        "cost": cost_of(job.cost) if job.cost else None,
        "actions": _actions(job),
    }


def _actions(job: Job) -> tuple[str, ...]:
    """Return what can be done to a job in this state."""
    match job.state:
        case "waiting":
            return ("prioritize", "cancel")
        case "delayed":
            return ("promote", "prioritize", "cancel")
        case "active":
            return () if job.is_cancelling else ("cancel",)
        case "failed":
            return ("retry", "purge")
        case _:
            return ()


def _steps(job: Job, location: JobLocation) -> Iterator[Step]:
    """Yield what is known of the job's past and next moments."""
    if job.created_at:
        yield Step(job.created_at, "Added", f"priority {job.priority}")
    for attempt in job.failed_attempts:
        yield from _failed(attempt)
    if job.queued_at and job.queued_at != job.created_at:
        yield Step(job.queued_at, "Back in the waiting list", ", ".join(_counts(job)))
    starts = {attempt.get("startedAt") for attempt in job.failed_attempts}
    if job.started_at and job.started_at not in starts:
        waited = f"waited {span(job.wait_ms)}, " if job.wait_ms is not None else ""
        yield Step(job.started_at, f"Attempt {job.attempts} started", f"{waited}worker {job.worker_id}")
    if job.finished_at:
        tone = {"completed": "good", "failed": "bad"}.get(job.state, "wait")
        word = "dead" if job.state == "failed" else job.state
        yield Step(job.finished_at, word.capitalize(), job.reason or "", tone)
    if job.state == "delayed" and location.due:
        yield Step(location.due, "Next attempt" if job.attempts else "Starts at the earliest")
    if job.state == "active":
        stage = f", {job.stage}" if job.stage else ""
        yield Step(location.at, "Running", f"{job.progress} %{stage}")
    if job.expires_at and not job.started_at:
        yield Step(job.expires_at, "Expires if it has not started")


def _failed(attempt: Mapping[str, Any]) -> Iterator[Step]:
    started, failed = attempt.get("startedAt"), attempt.get("failedAt")
    if isinstance(started, int):
        yield Step(started, "Attempt started", f"worker {attempt.get('workerId')}")
    if isinstance(failed, int):
        yield Step(failed, "Attempt failed", f"{attempt.get('class')}: {attempt.get('message')}", "bad")


def _counts(job: Job) -> Iterator[str]:
    for number, noun, plural in (
        (job.failures, "failure", None),
        (job.recoveries, "recovery", "recoveries"),
        (job.releases, "release", None),
        (job.replays, "replay", None),
    ):
        if number:
            yield counted(number, noun, plural)
    if job.excused:
        yield f"{counted(job.excused, 'failure')} not counted"


def _with_spans(steps: Iterator[Step]) -> Iterator[Step]:
    before: int | None = None
    for step in sorted(steps, key=lambda step: step.at):
        after = None if before is None else step.at - before
        before = step.at
        yield Step(step.at, step.title, step.detail, step.tone, after)


def _sound(job: Job) -> str | None:
    """Return the address of the speech that the job made."""
    result = job.result if job.queue == _SPEECH and job.state == "completed" else None
    url = result.get("url") if isinstance(result, dict) else None
    return url if isinstance(url, str) and _origin(url) else None


def _origin(url: str | None) -> str | None:
    """Return scheme, host and port of an address of the web; None for any other."""
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return None
    origin = f"{parts.scheme}://{parts.netloc}"
    return origin if _ORIGIN.fullmatch(origin) else None
