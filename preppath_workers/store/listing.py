"""The jobs of a queue by state, a page at a time: a queue may hold millions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from .job import Job, text
from .reader import QueueReader

Listed = Literal["waiting", "active", "delayed", "failed", "completed"]

#: The states that jobs can be listed by.
LISTED: tuple[Listed, ...] = get_args(Listed)


@dataclass(frozen=True)
class HeldSlot:
    """One child's slot: its owner's name, ms until its instance counts as dead, and what it holds."""

    worker_id: str
    lease_ms: int
    job_ids: Sequence[str]


def held_slots(queue: QueueReader) -> list[HeldSlot]:
    """The slots of all instances, at one moment."""
    answer = queue.call("held_slots")
    return [
        HeldSlot(text(worker_id), int(lease), [text(entry) for entry in ids])
        for worker_id, lease, *ids in answer
    ]


def list_jobs(queue: QueueReader, state: Listed, start: int = 0, count: int = 50) -> list[Job]:
    """A page of the jobs in a state. Waiting ones come in the order they will run, those in the hand of a
    slot first; delayed ones by the time they are due; failed and completed ones newest first, the latter as
    far as they are listed. A raw push, no job yet, is left out, and so is one that moves on just now."""
    if count <= 0:
        return []
    end = start + count
    match state:
        case "active":
            return _in_flight(queue, "active")[start:end]
        case "waiting":
            in_hand = _in_flight(queue, "waiting")
            first = max(0, start - len(in_hand))
            left = count - len(in_hand[start:end])
            in_line = queue.read("LRANGE", queue.keys.wait, -(first + left), -first - 1) if left else []
            return in_hand[start:end] + _read(queue, state, in_line[::-1])
        case "delayed":
            return _read(queue, state, queue.read("ZRANGE", queue.keys.delayed, start, end - 1))
        case "failed":
            return _read(queue, state, queue.read("LRANGE", queue.keys.dead, start, end - 1))
        case "completed":
            return _read(queue, state, queue.read("LRANGE", queue.keys.completed, start, end - 1))


def _in_flight(queue: QueueReader, state: Listed) -> list[Job]:
    """Children are few, and hold one each."""
    return _read(queue, state, [job_id for slot in held_slots(queue) for job_id in slot.job_ids])


def _read(queue: QueueReader, state: Listed, entries: Sequence[Any]) -> list[Job]:
    return [job for job in queue.get_many(map(text, entries)) if job.state == state]
