"""The jobs of a queue by state, a page at a time: a queue may hold millions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from ..job import Job
from ..operation import Together, run
from ..values import text
from .portions import in_portions
from .reader import QueueReader, page

Listed = Literal["waiting", "active", "delayed", "failed", "completed"]

#: The states that jobs can be listed by.
LISTED: tuple[Listed, ...] = get_args(Listed)


@dataclass(frozen=True)
class HeldSlot:
    """One worker's slot: its worker id, ms until its instance counts as dead, and the jobs it holds."""

    worker_id: str
    lease_ms: int
    job_ids: Sequence[str]


def held_slots(queue: QueueReader) -> list[HeldSlot]:
    """Return the slots of all instances, read atomically; of thousands, some hundred at a time."""
    held: list[HeldSlot] = []
    for slots, _ in run(in_portions(queue.keys.base, "held_slots", lambda answer: answer[1]), queue.read):
        held += [
            HeldSlot(text(worker_id), int(lease), [text(entry) for entry in ids])
            for worker_id, lease, *ids in slots
        ]
    return held


def list_jobs(queue: QueueReader, state: Listed, start: int = 0, count: int = 50) -> list[Job]:
    """Return a page of the jobs in a state.

    Waiting jobs are in the order in which they will run, reserved ones first; delayed jobs are ordered by due
    time; failed and (recent) completed jobs are newest first. Raw pushes without an id are left out, and so
    are jobs that change their state meanwhile.
    """
    return [job for job in list_places(queue, state, start, count) if job]


def list_places(queue: QueueReader, state: Listed, start: int, count: int) -> list[Job | None]:
    """Return the same page with None for what is left out: fewer than `count` places only at the end.

    Raises ValueError.
    """
    if state not in LISTED:
        raise ValueError(f"state must be one of {', '.join(LISTED)}, not {state!r}")
    start, count = page(start, count)
    if not count:
        return []
    end = start + count
    match state:
        case "active":
            return [*_in_flight(queue, "active", held_slots(queue))[start:end]]
        case "waiting":
            reserved = _in_flight(queue, "waiting", _first_to_start(queue))
            first = max(0, start - len(reserved))
            left = count - len(reserved[start:end])
            return [
                *reserved[start:end],
                *_read(queue, state, waiting_ids(queue, first, left) if left else []),
            ]
        case "delayed":
            return _read(queue, state, queue.read("ZRANGE", queue.keys.delayed, start, end - 1))
        case "failed":
            return _read(queue, state, queue.read("LRANGE", queue.keys.dead, start, end - 1))
        case "completed":
            return _read(queue, state, queue.read("LRANGE", queue.keys.completed, start, end - 1))


def waiting_ids(queue: QueueReader, first: int, count: int) -> list[str]:
    """Return entries of `wait`, and of `later` behind it, in the order in which they will run."""
    in_wait, length = ask(
        queue, [("LRANGE", queue.keys.wait, -(first + count), -first - 1), ("LLEN", queue.keys.wait)]
    )
    left = count - len(in_wait)
    if not left:
        return [*in_wait[::-1]]
    start = max(0, first - length)
    return [*in_wait[::-1], *ids_of(queue.read("ZRANGE", queue.keys.later, start, start + left - 1))]


def ids_of(members: Sequence[Any]) -> list[str]:
    """Return the ids of jobs in `later`."""
    return [text(member).partition(" ")[2] for member in members]


def ask(queue: QueueReader, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Send the commands in one round trip."""
    answers: list[Any] = queue.read.take(Together(commands)) if commands else []
    return answers


def _first_to_start(queue: QueueReader) -> list[HeldSlot]:
    """Return the slots in the order in which their jobs start; first those that wait for no token."""
    in_order = queue.read("ZRANGE", queue.keys.reservations, 0, -1)
    ranks = {text(worker_id): rank for rank, worker_id in enumerate(in_order)}
    return sorted(held_slots(queue), key=lambda slot: ranks.get(slot.worker_id, -1))


def _in_flight(queue: QueueReader, state: Listed, slots: Sequence[HeldSlot]) -> list[Job]:
    """Return jobs in active lists. They are few: one per worker."""
    ids = [job_id for slot in slots for job_id in slot.job_ids]
    return [job for job in _read(queue, state, ids) if job]


def _read(queue: QueueReader, state: Listed, entries: Sequence[Any]) -> list[Job | None]:
    ids = [*map(text, entries)]
    jobs = {job.id: job for job in queue.get_many(ids) if job.state == state}
    return [jobs.get(job_id) for job_id in ids]
