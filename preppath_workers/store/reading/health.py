"""Whether a queue has workers, and whether they start jobs."""

from __future__ import annotations

import time
from dataclasses import dataclass

from ...config.model import RateLimit
from ..cost_rows import rows_left_out
from ..instance import is_local
from ..values import iso
from .data_loss import DataLoss, data_loss
from .listing import held_slots, waiting_ids
from .location import locate
from .reader import QueueReader
from .troubles import machine_troubles
from .writes import refusal

#: Seconds that a job may take to start, and between two checks whether it has.
_PATIENCE, _LOOK = 5.0, 0.2


@dataclass(frozen=True)
class Health:
    """Whether a queue is healthy, and the facts that show it."""

    healthy: bool
    detail: str


def check_health(queue: QueueReader, rate_limit: RateLimit | None, local: bool) -> Health:
    """Check leases and slots, and if a job waits that may start, whether it starts within some seconds. With
    `local`, only instances of this host count."""
    if refused := refusal(queue):  # first: leases expire then too
        return Health(False, refused)
    slots = [
        slot for slot in held_slots(queue) if slot.lease_ms > 0 and (not local or is_local(slot.worker_id))
    ]
    if not slots:
        return Health(False, f"no live instance{' on this host' if local else ''} works the queue")
    workers = _workers(len(slots), data_loss(queue), rows_left_out(queue))
    gate = queue.gate()
    if gate.paused:
        return Health(True, f"{workers}, paused")
    if gate.out_of_service:
        return Health(False, f"{workers}, out of service: {gate.service}: {gate.reason}")
    if troubles := machine_troubles(queue):
        return Health(False, f"{workers}; {troubles[0]}")
    if gate.held_ms:
        return Health(True, f"{workers}, held: {gate.reason}")
    give_up_at = time.monotonic() + _PATIENCE
    before = queue.statistics()
    while _should_start(queue, rate_limit):
        if queue.statistics() != before:
            return Health(True, f"{workers}, jobs are running")
        if time.monotonic() > give_up_at:
            return Health(False, f"{workers}, but no worker starts a waiting job that may start")
        time.sleep(_LOOK)
    return Health(True, workers)


def _workers(count: int, loss: DataLoss | None, left_out: int | None) -> str:
    """Describe the workers, and what alone doesn't make a queue unhealthy: a loss of data, a full list."""
    workers = f"{count} worker" + ("s" if count != 1 else "")
    if loss:
        workers += f" ({loss}, noticed at {iso(loss.at)})"
    if left_out is not None:
        workers += f" (the list of cost rows is full, {left_out} left out so far: run `costs --store`)"
    return workers


def _should_start(queue: QueueReader, rate_limit: RateLimit | None) -> bool:
    """Whether a job waits, a token is available, and a worker is free."""
    head = next(iter(waiting_ids(queue, 0, 1)), None)
    if head is None or all(slot.job_ids for slot in held_slots(queue) if slot.lease_ms > 0):
        return False
    return not locate(queue, head, rate_limit).token_ms
