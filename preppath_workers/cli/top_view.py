"""Render the screen of `top` from snapshots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..log.escaping import escaped
from ..queue.formatting import span
from ..queue.gate_words import gate_word
from ..store.instance import is_local
from ..store.reading.history import Minute
from ..store.reading.snapshot import QueueSnapshot, WorkerSnapshot
from .local_processes import LocalProcess

#: Counters shown as rates, with their columns' headings and widths. A line has at most 79 characters.
_RATES = (("completed", "OK/M", 6), ("retried", "RETRY/M", 8), ("failed", "FAIL/M", 7))


@dataclass(frozen=True)
class Snapshot:
    """The queues at one moment (`at`, ms), and the local workers by supervisor's pid, queue and slot.

    Args:
        minutes: what happened in each queue in its latest minute, if that is known.
    """

    at: int
    queues: Sequence[QueueSnapshot]
    workers: Mapping[tuple[int, str, int], LocalProcess]
    minutes: Mapping[str, Minute] = field(default_factory=dict)


def render(now: Snapshot, before: Snapshot | None, width: int, height: int) -> list[str]:
    """Return the lines that fit. Rates are per minute since the snapshot `before`, or those of the
    latest minute.

    Without enough room, idle workers are omitted first, then failures.
    """
    head = list(_queues(now, before))
    failures = list(_failures(now))
    workers = list(_workers(now))
    busy = [line for line, is_busy in workers if is_busy]
    idle = [line for line, is_busy in workers if not is_busy]
    title = f"{'WORKER':<15} {'PID':>7} {'MIB':>5} {'SECONDS':>8}  JOB"
    room = height - len(head) - 3
    kept_failures = failures[: max(2, room // 3)]
    room -= len(kept_failures) + (2 if kept_failures else 0)
    shown = (busy + idle)[: max(0, room)]
    lines = [*head, "", title, *shown]
    if len(shown) < len(workers):
        lines.append(f"… and {len(workers) - len(shown)} more")
    if kept_failures:
        lines += ["", "RECENT FAILURES", *kept_failures]
    return [_fitted(line, width) for line in lines[:height]]


def _queues(now: Snapshot, before: Snapshot | None) -> Iterator[str]:
    yield (
        f"{'QUEUE':<13}{'WAITING':>8}{'ACTIVE':>7}{'DELAYED':>8}{'FAILED':>7}"
        + "".join(f"{head:>{width}}" for _, head, width in _RATES)
        + " GATE"
    )
    earlier = {queue.name: queue for queue in before.queues} if before else {}
    for queue in now.queues:
        counts = queue.counts
        rates = (
            f"{_rate(queue, earlier.get(queue.name), now, before, name):>{width}}"
            for name, _, width in _RATES
        )
        yield (
            f"{queue.name:<13}{counts.waiting:>8}{counts.active:>7}{counts.delayed:>8}{counts.failed:>7}"
            + "".join(rates)
            + f" {_gate(queue)}"
        )
    # Their workers look free, but pause.
    yield from (f"{queue.name}: {trouble}" for queue in now.queues for trouble in queue.troubles)


def _rate(
    queue: QueueSnapshot, earlier: QueueSnapshot | None, now: Snapshot, before: Snapshot | None, name: str
) -> str:
    if not earlier or not before or now.at <= before.at:
        minute = now.minutes.get(queue.name)
        return str(getattr(minute, name)) if minute else "-"
    grown = queue.statistics.get(name, 0) - earlier.statistics.get(name, 0)
    return f"{grown * 60_000 / (now.at - before.at):.0f}"


def _gate(queue: QueueSnapshot) -> str:
    word = gate_word(queue.gate, workers=queue.counts.workers)
    if word == "held":
        return f"held {span(queue.gate.held_ms)}"
    return word.upper() if word in ("no workers", "out of service") else word


def _workers(now: Snapshot) -> Iterator[tuple[str, bool]]:
    """Yield each worker's line and whether it is busy, the longest running job first."""
    workers = [worker for queue in now.queues for worker in queue.workers]
    for worker in sorted(workers, key=lambda worker: -(worker.seconds or 0)):
        yield _worker(worker, now), worker.job is not None


def _worker(worker: WorkerSnapshot, now: Snapshot) -> str:
    instance, _, number = worker.worker_id.rpartition(":")
    pid = memory = "-"
    if is_local(instance):
        process = now.workers.get((int(instance.rsplit("-", 2)[1]), worker.queue, int(number)))
        if process:
            pid, memory = str(process.pid), str(process.mb)
    host = "" if is_local(instance) else f"  on {instance.rsplit('-', 2)[0]}"
    name = f"{worker.queue}[{number}]"
    seconds = "-" if worker.seconds is None else f"{worker.seconds:.0f}"
    job = worker.job.id if worker.job else "idle"
    gone = "" if worker.is_live else "  GONE"
    return f"{name:<17}{pid:>6} {memory:>5} {seconds:>8}  {job}{host}{gone}"


def _failures(now: Snapshot) -> Iterator[str]:
    jobs = [job for queue in now.queues for job in queue.failures]
    for job in sorted(jobs, key=lambda job: -(job.finished_at or 0)):
        age = span(now.at - job.finished_at) if job.finished_at else "-"
        error = job.error or {}
        yield f"{age:>12} ago  {job.queue} {job.id}  {job.reason}: {error.get('message', '')}"


def _fitted(line: str, width: int) -> str:
    shown = escaped(line)
    return shown if len(shown) <= width else shown[: max(0, width - 1)] + "…"
