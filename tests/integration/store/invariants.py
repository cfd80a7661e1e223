"""The invariants that hold after every transition, whatever its arguments."""

from __future__ import annotations

from itertools import pairwise

from .redis_state import State


def check(state: State) -> None:
    """Raise AssertionError if a job is missing, duplicate or in a place that its state does not match; if
    `wait` is out of order; or if an entry of the priority index isn't the last job of its priority."""
    jobs = state.get("jobs", {})
    for job_id, fields in jobs.items():
        expected = expected_places(job_id, fields, state)
        assert places(job_id, state) == expected, f"{job_id}, which is {fields.get('state')}"
    known = [job_id for job_id in state.get("wait", []) if job_id in jobs]
    priorities = [jobs[job_id]["priority"] for job_id in known]
    assert all(left >= right for left, right in pairwise(priorities)), f"wait is out of order: {priorities}"
    for pointer, priority in state.get("priority_index", {}).items():
        if pointer in known:
            assert known[priorities.index(priority)] == pointer, f"{pointer} is not the last of its priority"
    for priority in {*priorities}:
        assert priority in state.get("priority_index", {}).values(), (
            f"priority {priority} is not in the index"
        )


def places(job_id: str, state: State) -> list[str]:
    found = [
        name for name in ("wait", "dead", "completed") for entry in state.get(name, []) if entry == job_id
    ]
    found += [
        f"active {worker_id}"
        for worker_id, ids in state.get("active", {}).items()
        for held in ids
        if held == job_id
    ]
    return found + ["delayed"] * (job_id in state.get("delayed", {}))


def expected_places(job_id: str, fields: dict[str, str | int], state: State) -> list[str]:
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
        case "cancelled":
            return []
    raise AssertionError(f"{job_id} has the state {fields['state']}")
