"""The duration of each step as the backlog grows, and the memory that a job takes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median

from preppath_workers import NewJob, Queue
from preppath_workers.store.connections.connection import client
from tests.bench.peers.driver import data

from .steps import CALLS, median_ms, turns

BACKLOGS = (1_000, 10_000, 100_000, 1_000_000)

#: Jobs that one urgent batch adds, and that one call of a janitor promotes.
_BATCH, _DUE = 500, 100

HEADINGS = (
    "backlog",
    "enqueue",
    "enqueue, urgent",
    f"{_BATCH} urgent at once",
    "claim",
    "settle and claim",
    f"promote {_DUE}",
    "`Queue.snapshot`",
    "`jobs`, a page",
    "bytes a waiting job",
    "bytes a completed job",
)


@dataclass(frozen=True)
class Backlog:
    """One backlog on an empty server."""

    url: str
    jobs: int

    def row(self) -> list[str]:
        queue = self._queue
        queue.redis.flushall()
        empty = self._memory()
        queue.enqueue_many(NewJob(data(number, 0.0)) for number in range(self.jobs))
        waiting = (self._memory() - empty) / self.jobs
        enqueued = [
            median_ms(lambda: queue.enqueue(data(0, 0.0))),
            median_ms(lambda: queue.enqueue(data(0, 0.0), priority=1)),
            median_ms(lambda: self._batch(priority=1), calls=5),
        ]
        claim, *later = turns(self.url, CALLS + 1)
        times = [
            *enqueued,
            claim,
            median(later),
            self._promote(),
            median_ms(lambda: queue.snapshot()),
            median_ms(lambda: queue.jobs("waiting")),
        ]
        shown = [f"{ms:.2f}" for ms in times]
        return [f"{self.jobs:,}", *shown, f"{waiting:.0f}", f"{self._completed():.0f}"]

    def _promote(self) -> float:
        """Ms to promote one batch of as many due jobs as the backlog has, at most 100,000."""
        queue, due = self._queue, min(self.jobs, 100_000)
        queue.enqueue_many(NewJob(data(number, 0.0), delay=0.001) for number in range(due))
        time.sleep(0.01)
        return median_ms(lambda: queue.call("promote_due", _DUE), calls=min(9, due // _DUE))

    def _completed(self) -> float:
        """Bytes that a completed job takes, its entry in the list of completions included."""
        queue = self._queue
        queue.redis.flushall()
        empty = self._memory()
        queue.enqueue_many(NewJob(data(number, 0.0)) for number in range(_BATCH))
        turns(self.url, _BATCH, listed=_BATCH)
        return (self._memory() - empty) / _BATCH

    def _batch(self, priority: int) -> None:
        self._queue.enqueue_many([NewJob(data(number, 0.0), priority=priority) for number in range(_BATCH)])

    def _memory(self) -> int:
        """Bytes of data in Redis."""
        return int(self._queue.redis.info("memory")["used_memory_dataset"])

    @property
    def _queue(self) -> Queue:
        return Queue("bench", client(self.url, timeout=60))
