"""Why a job is where it is, in a sentence for people."""

from __future__ import annotations

from ..store.job import Job
from ..store.location import JobLocation
from ..store.reader import Gate
from .formatting import counted, moment, span


def explain(job: Job, location: JobLocation, gate: Gate) -> str:
    """What it waits for, or what has become of it."""
    match job.state:
        case "waiting":
            return _waiting(location, gate)
        case "delayed":
            return _delayed(job, location)
        case "active":
            return _active(job, location)
        case "failed":
            times = f" after {counted(job.attempts, 'attempt')}" if job.reason == "retries" else ""
            return f"in the dead-letter list{times}: {job.reason}; `retry {job.queue} {job.id}` runs it again"
        case "completed":
            return f"done, in attempt {job.attempts}"
        case "cancelled":
            return "cancelled before it started"
        case _:
            return "its hash was edited by hand: no transition knows this state; `check --fix` mends it"


def _waiting(location: JobLocation, gate: Gate) -> str:
    if location.ahead is None:
        return "in no place; `check --fix` gives it one"
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


def _delayed(job: Job, location: JobLocation) -> str:
    due = (
        "at no time; `check --fix` gives it a place"
        if location.due is None
        else moment(location.due, location.at)
    )
    error = job.error or {}
    if job.excused and not job.failures:
        what = error.get("service") or error.get("class")
        return f"waits for {what}, {counted(job.excused, 'failure')} not counted; tried again {due}"
    if not job.failures:
        return f"scheduled for {due}"
    return f"failed {counted(job.failures, 'time')}, last with {error.get('class')}; retried {due}"


def _active(job: Job, location: JobLocation) -> str:
    if location.worker_id is None or location.lease_ms is None:
        return f"said to run in {job.worker_id}, which does not hold it; `check --fix` gives it a place"
    if location.lease_ms <= 0:
        return f"its worker {location.worker_id} is gone; it runs again when another instance looks"
    since = f" since {moment(job.started_at, location.at)}" if job.started_at else ""
    return f"runs in {location.worker_id}{since}, attempt {job.attempts}"


def _ordinal(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"
