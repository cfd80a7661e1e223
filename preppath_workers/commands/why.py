"""Why a job is where it is, in a sentence for people."""

from __future__ import annotations

from ..queue.job import Job
from ..queue.queue import Gate
from ..queue.whereabouts import Whereabouts
from .words import counted, moment, span


def why(job: Job, place: Whereabouts, gate: Gate) -> str:
    """What it waits for, or what has become of it."""
    match job.state:
        case "waiting":
            return _waiting(place, gate)
        case "delayed":
            return _delayed(job, place)
        case "active":
            return _active(job, place)
        case "failed":
            times = f" after {counted(job.attempts, 'attempt')}" if job.reason == "retries" else ""
            return f"in the dead-letter list{times}: {job.reason}; `retry {job.queue} {job.id}` runs it again"
        case "completed":
            return f"done, in attempt {job.attempts}"
        case "cancelled":
            return "cancelled before it started"
        case _:
            return "its hash was edited by hand: no transition knows this state; `check --fix` mends it"


def _waiting(place: Whereabouts, gate: Gate) -> str:
    if place.ahead is None:
        return "in no place; `check --fix` gives it one"
    place_in_line = "next in line" if place.ahead == 0 else f"{_ordinal(place.ahead + 1)} in line"
    reserved = f", reserved by worker {place.owner}" if place.owner else ""
    return f"{place_in_line}{reserved}, {_obstacle(place, gate)}"


def _obstacle(place: Whereabouts, gate: Gate) -> str:
    if gate.paused:
        return "but the queue is paused"
    if gate.out_of_service:
        return (
            f"but the queue is out of service ({gate.service}: {gate.reason}); "
            f"next probe in {span(gate.probe_ms)}"
        )
    if not place.children:
        return "but no worker of this queue is running"
    if gate.held_ms:
        return f"but nothing starts for {span(gate.held_ms)}: {gate.reason}"
    if place.token_ms:
        return f"expected to start in about {span(place.token_ms)}, when the rate limit allows"
    return "starts within a second" if place.owner else "starts as soon as a worker is free"


def _delayed(job: Job, place: Whereabouts) -> str:
    due = "at no time; `check --fix` gives it a place" if place.due is None else moment(place.due, place.at)
    error = job.error or {}
    if job.excused and not job.failures:
        what = error.get("service") or error.get("class")
        return f"waits for {what}, {counted(job.excused, 'failure')} not counted; tried again {due}"
    if not job.failures:
        return f"scheduled for {due}"
    return f"failed {counted(job.failures, 'time')}, last with {error.get('class')}; retried {due}"


def _active(job: Job, place: Whereabouts) -> str:
    if place.owner is None or place.lease_ms is None:
        return f"said to run in {job.owner}, which does not hold it; `check --fix` gives it a place"
    if place.lease_ms <= 0:
        return f"its worker {place.owner} is gone; it runs again when another instance looks"
    since = f" since {moment(job.started_at, place.at)}" if job.started_at else ""
    return f"runs in {place.owner}{since}, attempt {job.attempts}"


def _ordinal(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"
