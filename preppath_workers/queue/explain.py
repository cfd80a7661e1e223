"""Explain a job's state in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from ..store.job import Job
from ..store.reading.location import JobLocation
from ..store.reading.reader import Gate
from ..store.reading.troubles import MachineTrouble
from .formatting import counted, moment, span


def explain(job: Job, location: JobLocation, gate: Gate, troubles: Sequence[MachineTrouble] = ()) -> str:
    """Return what the job waits for, or how it ended.

    `troubles`: what the machines lack; workers that pause for it look as if they were free.
    """
    match job.state:
        case "waiting":
            return _waiting(location, gate) + _shortage(troubles) + _expiry(job, location.at)
        case "delayed":
            return _delayed(job, location) + _expiry(job, location.at)
        case "active":
            return _active(job, location) + (", is being cancelled" if job.is_cancelling else "")
        case "failed":
            times = f" after {counted(job.attempts, 'attempt')}" if job.reason == "retries" else ""
            return f"in the dead-letter list{times}: {job.reason}"
        case "completed":
            return f"completed by attempt {job.attempts}"
        case "cancelled":
            return "cancelled while it ran" if job.is_cancelling else "cancelled before it started"
        case "expired":
            return "not started before it expired; it will never start"
        case _:
            return "unknown state, its hash was edited; run `check --fix`"


def _waiting(location: JobLocation, gate: Gate) -> str:
    if location.ahead is None:
        return "missing from the waiting list; run `check --fix`"
    place_in_line = "next in line" if location.ahead == 0 else f"{_ordinal(location.ahead + 1)} in line"
    reserved = f", reserved by worker {location.worker_id}" if location.worker_id else ""
    return f"{place_in_line}{reserved}, {_obstacle(location, gate)}"


def _obstacle(location: JobLocation, gate: Gate) -> str:
    if gate.paused:
        return "but the queue is paused"
    if gate.out_of_service:
        return (
            f"but the queue is out of service ({gate.service}: {gate.reason}); "
            f"next probe in {span(gate.probe_ms)}"
        )
    if not location.workers:
        return "but no worker of this queue is running"
    if gate.held_ms:
        return f"but nothing starts for {span(gate.held_ms)}: {gate.reason}"
    if location.token_ms:
        return f"expected to start in about {span(location.token_ms)}, when the rate limit allows"
    return "starts within a second" if location.worker_id else "starts as soon as a worker is free"


def _shortage(troubles: Sequence[MachineTrouble]) -> str:
    if not troubles:
        return ""
    others = f", and on {counted(len(troubles) - 1, 'other instance')}" if len(troubles) > 1 else ""
    return f"; workers met a shortage lately on {troubles[0]}{others}"


def _delayed(job: Job, location: JobLocation) -> str:
    if location.due is None:
        return "missing from the delayed list; run `check --fix`"
    due = moment(location.due, location.at)
    error = job.error or {}
    if job.excused and not job.failures:
        cause = error.get("service") or error.get("class")
        return f"waits for {cause}, {counted(job.excused, 'failure')} not counted; next attempt {due}"
    if location.budget:
        return f"the budget of {location.budget} has no room; next attempt {due}"
    if not job.failures:
        if job.releases:
            return f"released {counted(job.releases, 'time')}, uncounted; next attempt {due}"
        return f"scheduled for {due}"
    return f"failed {counted(job.failures, 'time')}, last with {error.get('class')}; next attempt {due}"


def _expiry(job: Job, now: int) -> str:
    if job.expires_at is None or job.started_at:
        return ""
    if job.expires_at <= now:
        return "; it has expired and will not start"
    return f"; expires {moment(job.expires_at, now)}"


def _active(job: Job, location: JobLocation) -> str:
    if location.worker_id is None or location.lease_ms is None:
        return f"marked active in worker {job.worker_id}, which does not hold it; run `check --fix`"
    if location.lease_ms <= 0:
        return f"its worker {location.worker_id} is gone; another instance recovers the job"
    since = f" since {moment(job.started_at, location.at)}" if job.started_at else ""
    return f"runs in {location.worker_id}{since}, attempt {job.attempts}"


def _ordinal(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"
