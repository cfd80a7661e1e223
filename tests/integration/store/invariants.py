"""The invariants that hold after every transition, whatever its arguments."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from .redis_state import State


def check(state: State) -> None:
    """Raise AssertionError if a job is missing, duplicate or in a place that its state does not match; if
    `wait` is out of order; or if an entry of the priority index isn't the last job of its round."""
    jobs = state.get("jobs", {})
    for job_id, fields in jobs.items():
        expected = expected_places(job_id, fields, state)
        assert places(job_id, state) == expected, f"{job_id}, which is {fields.get('state')}"
    order = [score(jobs[job_id]) for job_id in waiting(state) if job_id in jobs]
    assert all(left >= right for left, right in pairwise(order)), f"out of order: {order}"
    for member, place in state.get("later", {}).items():
        number, _, job_id = member.partition(" ")
        assert jobs[job_id]["later"] == int(number), f"{job_id} cannot be found in `later`"
        assert score(jobs[job_id]) == float(place), f"{job_id} has another score in `later`"
    known = [job_id for job_id in state.get("wait", []) if job_id in jobs]
    scores = [score(jobs[job_id]) for job_id in known]
    indexed = {pointer: float(place) for pointer, place in state.get("priority_index", {}).items()}
    for pointer, place in indexed.items():
        if pointer in known:
            last = known[scores.index(place)] if place in scores else None
            assert last == pointer, f"{pointer} is not the last of its round"
    for place in {*scores}:
        assert place in indexed.values(), f"{place} is not in the index"


def waiting(state: State) -> list[str]:
    """Return all waiting entries, as `wait` has them: the right end is next."""
    later = [member.partition(" ")[2] for member in state.get("later", {})]
    return [*later[::-1], *state.get("wait", [])]


def score(job: Mapping[str, str | int]) -> float:
    """Return what a waiting job is ordered by: its priority and its round."""
    return float(f"{job['priority']}.{turn_of(job)[0]:012}")


def turn_of(job: Mapping[str, str | int]) -> tuple[int, str]:
    """Return a waiting job's round and user; round 0 for one without a turn."""
    number, _, user = str(job.get("turn", 0)).partition(" ")
    return int(number), user


def places(job_id: str, state: State) -> list[str]:
    found = [
        name
        for name in ("wait", "dead", "completed")
        for entry in (waiting(state) if name == "wait" else state.get(name, []))
        if entry == job_id
    ]
    found += [
        f"active {worker_id}"
        for worker_id, ids in state.get("active", {}).items()
        for held in ids
        if held == job_id
    ]
    return found + ["delayed"] * (job_id in state.get("delayed", {}))


def expected_places(job_id: str, fields: Mapping[str, str | int], state: State) -> list[str]:
    match fields["state"]:
        case "waiting":
            in_flight = [
                f"active {worker_id}" for worker_id, ids in state.get("active", {}).items() if job_id in ids
            ]
            return in_flight[:1] or ["wait"]
        case "active":
            return [f"active {fields['workerId']}"]
        case "delayed":
            return ["delayed"]
        case "failed":
            return ["dead"]
        case "completed":  # listed for as long as the list's cap allows
            return ["completed"] if job_id in state.get("completed", []) else []
        case "cancelled" | "expired":
            return []
    raise AssertionError(f"{job_id} has the state {fields['state']}")
