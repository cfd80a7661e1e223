"""What the machines that work a queue lack: disk, memory, descriptors, processes, the right time."""

from __future__ import annotations

from dataclasses import dataclass

from ..values import error_object, integer, text
from .reader import QueueReader

#: Ms after which a shortage that no worker has met again is over: four of the longest pauses of a worker.
_FORGOTTEN_AFTER = 120_000


@dataclass(frozen=True)
class MachineTrouble:
    """A live instance whose workers met a shortage lately; `message` names it, `at` is ms since the epoch."""

    instance: str
    message: str
    at: int

    def __str__(self) -> str:
        return f"{self.instance}: {self.message}"


def machine_troubles(queue: QueueReader) -> list[MachineTrouble]:
    """Return the troubles of all machines that work the queue."""
    now = queue.now()
    instances = [text(str(name)) for name in queue.redis.zrangebyscore(queue.keys.instances, now, "+inf")]
    with queue.redis.pipeline(transaction=False) as pipeline:
        for instance in instances:
            pipeline.hmget(queue.keys.instance(instance), "trouble", "troubleAt")
        answers = pipeline.execute()
    found = []
    for instance, (failure, moment) in zip(instances, answers, strict=True):
        at = integer(text(moment)) if moment else None
        if failure and at and now - at < _FORGOTTEN_AFTER:
            error = error_object(text(failure)) or {}
            found.append(MachineTrouble(instance, str(error.get("message", "")), at))
    return found
