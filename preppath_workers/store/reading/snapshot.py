"""A snapshot of a queue. It is read in several steps, so its parts may differ by a moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..job import Job
from .listing import HeldSlot, held_slots
from .reader import Counts, Gate, QueueReader
from .troubles import MachineTrouble, machine_troubles


@dataclass(frozen=True)
class WorkerSnapshot:
    """One worker's slot, and the job that it runs, if any, and for how many `seconds`."""

    queue: str
    worker_id: str
    job: Job | None
    seconds: float | None
    is_live: bool


@dataclass(frozen=True)
class QueueSnapshot:
    """One queue: its jobs by state, gate, counters, workers, latest dead letters, and what machines lack."""

    name: str
    counts: Counts
    gate: Gate
    statistics: dict[str, int]
    workers: Sequence[WorkerSnapshot]
    failures: Sequence[Job]
    troubles: Sequence[MachineTrouble] = ()


def take_snapshot(queue: QueueReader, failures: int = 5) -> QueueSnapshot:
    """Return a snapshot of one queue."""
    now = queue.now()
    slots = held_slots(queue)
    held = [job_id for slot in slots for job_id in slot.job_ids]
    jobs = {job.id: job for job in queue.get_many(held)}
    return QueueSnapshot(
        name=queue.name,
        counts=queue.counts(),
        gate=queue.gate(),
        statistics=queue.statistics(),
        workers=[_worker(queue.name, slot, jobs, now) for slot in slots],
        failures=queue.dead_letters(count=failures),
        troubles=machine_troubles(queue),
    )


def _worker(queue: str, slot: HeldSlot, jobs: dict[str, Job], now: int) -> WorkerSnapshot:
    running = [job for job in map(jobs.get, slot.job_ids) if job and job.state == "active"]
    job = running[0] if running else None
    seconds = max(0, now - job.started_at) / 1000 if job and job.started_at else None
    return WorkerSnapshot(queue, slot.worker_id, job, seconds, slot.lease_ms > 0)
