"""How long the oldest waiting job has waited: what to alert on, rather than the number of jobs.

The job that is next to start need not be the oldest: while urgent jobs arrive, others starve. `wait` is in
order of priority, and within one priority the oldest jobs stand in front. So the front of each priority is
looked at, found by bisection: some 20 short steps, however many jobs wait.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..job import DEFAULT_PRIORITY, Job
from ..job_id import is_valid_id
from ..values import integer
from .listing import ask, held_slots, ids_of
from .reader import QueueReader

#: Jobs that are looked at in front of each priority: with FAIR_BY, the first need not be the oldest.
_LOOKED_AT = 10

_PRIORITIES = range(1, 101)


def oldest_waiting_ms(queue: QueueReader) -> int | None:
    """Return how long (ms) the job has waited that has waited for the longest; None if no job waits.

    Delayed jobs don't wait, and the time before a job's last return to the list isn't counted.
    """
    ids = [job_id for slot in held_slots(queue) for job_id in slot.job_ids]
    for start in _fronts(queue):
        entries = queue.read("LRANGE", queue.keys.wait, -start - _LOOKED_AT, -start - 1)
        ids += filter(is_valid_id, entries)
    ids += _later_fronts(queue)
    now = queue.now()
    since = [job.queued_at or job.created_at or now for job in _read(queue, ids) if job.state == "waiting"]
    return max(0, now - min(since)) if since else None


def _fronts(queue: QueueReader) -> list[int]:
    """Return where each priority begins in `wait`, counted from the job that is next."""
    length, *found = ask(
        queue,
        [
            ("LLEN", queue.keys.wait),
            *(
                ("ZRANGEBYSCORE", queue.keys.priority_index, priority, f"({priority + 1}", "LIMIT", 0, 1)
                for priority in _PRIORITIES
            ),
        ],
    )
    present = [priority for priority, pointer in zip(_PRIORITIES, found, strict=True) if pointer]
    # The first priority begins in front; of the others, the bounds are narrowed down together.
    bounds = {priority: (0, int(length)) for priority in present[1:]}
    while wide := {priority: low_high for priority, low_high in bounds.items() if low_high[0] < low_high[1]}:
        middles = {priority: sum(low_high) // 2 for priority, low_high in wide.items()}
        priorities = _priorities_at(queue, list(middles.values()))
        for (priority, middle), at in zip(middles.items(), priorities, strict=True):
            low, high = bounds[priority]
            bounds[priority] = (low, middle) if at >= priority else (middle + 1, high)
    return [0, *(low for low, _ in bounds.values())] if length else []


def _later_fronts(queue: QueueReader) -> list[str]:
    """Return the first jobs of each priority in `later`."""
    if not queue.redis.exists(queue.keys.later):
        return []
    limit = ("LIMIT", 0, _LOOKED_AT)
    found = ask(
        queue,
        [("ZRANGEBYSCORE", queue.keys.later, number, f"({number + 1}", *limit) for number in _PRIORITIES],
    )
    return [job_id for members in found for job_id in ids_of(members)]


def _priorities_at(queue: QueueReader, positions: Sequence[int]) -> list[int]:
    entries = ask(queue, [("LINDEX", queue.keys.wait, -position - 1) for position in positions])
    # A raw push has no hash yet, and may be long.
    ids = [entry if entry and is_valid_id(entry) else "-" for entry in entries]
    return [
        integer(fields[0]) or DEFAULT_PRIORITY if fields else DEFAULT_PRIORITY
        for fields in queue.fields_of(ids, "priority")
    ]


def _read(queue: QueueReader, ids: Sequence[str]) -> list[Job]:
    """Return the jobs' times and states only: their data may be large."""
    names = ("state", "queuedAt", "createdAt")
    return [
        Job(
            queue.name,
            job_id,
            {name: value for name, value in zip(names, values or (), strict=False) if value},
        )
        for job_id, values in zip(ids, queue.fields_of(ids, *names), strict=True)
    ]
