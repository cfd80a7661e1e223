"""Jobs that failed in another system, added to the dead-letter list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass

from .reading.reader import QueueReader

#: Jobs of one call, and characters of data after which it adds no further one.
_PORTION, _CALL_CHARACTERS = 100, 1_000_000


@dataclass(frozen=True)
class DeadLetter:
    """A job that failed in another system. `data` and `error` are JSON, times are ms since the epoch."""

    id: str
    data: str
    priority: int
    reason: str
    error: str
    attempts: int
    created_at: int
    failed_at: int


def add_dead_letters(queue: QueueReader, jobs: Sequence[DeadLetter]) -> list[bool]:
    """Add jobs, the one that failed last first, at the list's old end. Returns for each whether it was added;
    one whose id exists is not."""
    added: list[bool] = []
    start = size = 0
    for end, job in enumerate(jobs, start=1):
        size += len(job.data)
        if end == len(jobs) or end - start == _PORTION or size > _CALL_CHARACTERS:
            words = [word for each in jobs[start:end] for word in astuple(each)]
            added += map(bool, queue.call("add_dead_letters", *words))
            start, size = end, 0
    return added
