"""What the queues did in the last hour, minute by minute.

It is kept in this process: sampled while the server runs, and empty when it starts.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass, field

from redis.exceptions import RedisError
from starlette.concurrency import run_in_threadpool

from ...log import fields
from ...queue import Queue
from ..queues import Queues

logger = logging.getLogger(__name__)

#: Minutes that are kept.
MINUTES = 60
#: Seconds between two samples.
_EVERY = 10.0


@dataclass
class Minute:
    """One minute: its number since the epoch, and how many jobs completed and failed for good in it."""

    number: int
    completed: int = 0
    failed: int = 0


@dataclass
class _Record:
    minutes: deque[Minute] = field(default_factory=lambda: deque(maxlen=MINUTES))
    #: The counters at the last sample.
    completed: int = 0
    failed: int = 0


class History:
    """Samples the queues' counters."""

    def __init__(self, queues: Queues) -> None:
        self._queues = queues
        self._records: dict[str, _Record] = {}

    def minutes(self, queue: str) -> list[Minute]:
        """Return what is known of the last hour, oldest first."""
        record = self._records.get(queue)
        return list(record.minutes) if record else []

    async def keep(self) -> None:
        """Sample until cancelled."""
        while True:
            for queue in self._queues.by_name.values():
                try:
                    await run_in_threadpool(self.sample, queue)
                except RedisError as error:
                    details = fields(queue=queue.name, error=type(error).__name__)
                    logger.debug("Cannot sample the queue's counters", extra=details)
            await asyncio.sleep(_EVERY)

    def sample(self, queue: Queue) -> None:
        """Add what the queue did since the last sample to the current minute."""
        counters, number = queue.statistics(), queue.now() // 60_000
        completed, failed = counters.get("completed", 0), counters.get("failed", 0)
        record = self._records.get(queue.name)
        if record is None:
            record = self._records[queue.name] = _Record(completed=completed, failed=failed)
        last = record.minutes[-1] if record.minutes else None
        # A clock that was set back adds to the minute that was reached.
        for skipped in range(max(last.number + 1, number - MINUTES + 1) if last else number, number + 1):
            record.minutes.append(Minute(skipped))
        minute = record.minutes[-1]
        # Counters shrink if Redis has lost writes.
        minute.completed += max(0, completed - record.completed)
        minute.failed += max(0, failed - record.failed)
        record.completed, record.failed = completed, failed
