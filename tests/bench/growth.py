"""`python -m tests.bench.growth`: what each step costs as the backlog grows, and what a job takes of memory.

Milliseconds, the median of some dozen calls by one client on an otherwise idle server.
"""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import median

from preppath_workers import NewJob, Queue
from preppath_workers.config import load
from preppath_workers.queue import listing, overview
from preppath_workers.queue.connections import client
from preppath_workers.queue.job import Job
from preppath_workers.queue.outcome import Completed, Finished
from preppath_workers.queue.slot import Slot
from preppath_workers.settings import QueueConfig
from tests import report
from tests.nowhere import NOWHERE

from .peers.driver import data
from .server import BenchServer, version

BACKLOGS = (1_000, 10_000, 100_000, 1_000_000)

#: Calls of which the median is taken, and jobs that one urgent batch adds or one promote moves.
_CALLS, _BATCH = 25, 500

HEADINGS = (
    *("backlog", "enqueue", "enqueue, urgent", f"{_BATCH} urgent at once", "claim", "settle and claim"),
    *(f"promote {_BATCH}", "`queues`", "`jobs`, a page", "bytes a waiting job", "bytes a completed job"),
)


@dataclass(frozen=True)
class Growth:
    """One backlog on an empty server."""

    url: str
    backlog: int

    def row(self) -> list[str]:
        queue = self._queue
        queue.redis.flushall()
        empty = self._memory()
        queue.enqueue_many(NewJob(data(number, 0.0)) for number in range(self.backlog))
        waiting = (self._memory() - empty) / self.backlog
        enqueued = [
            self._median(lambda: queue.enqueue(data(0, 0.0))),
            self._median(lambda: queue.enqueue(data(0, 0.0), priority=1)),
            self._median(lambda: self._batch(priority=1), calls=5),
        ]
        claim, *turns = self._turns(_CALLS + 1, listed=0)
        times = [
            *enqueued,
            claim,
            median(turns),
            self._promote(),
            self._median(lambda: overview.look(queue)),
            self._median(lambda: listing.jobs(queue, "waiting")),
        ]
        shown = [f"{ms:.2f}" for ms in times]
        return [f"{self.backlog:,}", *shown, f"{waiting:.0f}", f"{self._completed():.0f}"]

    def _turns(self, jobs: int, listed: int) -> list[float]:
        """A claim, and the turns that settle one job and claim the next: as many jobs are completed, of which
        so many are listed."""
        config = load({**NOWHERE, "REDIS_URL": self.url}, [])
        slot = Slot(replace(config, keep_completed_count=listed), QueueConfig("bench"), "growth", 0)
        finished, times = None, []
        for _ in range(jobs):
            began = time.perf_counter()
            slot.begin_turn(finished)
            job = slot.end_turn()
            times.append((time.perf_counter() - began) * 1000)
            assert isinstance(job, Job)
            finished = Finished(job, Completed('{"ok":true,"score":7}'), 1)
        slot.settle(finished)
        slot.disconnect()
        return times

    def _promote(self) -> float:
        """Of as many jobs as there are in the backlog, at most 100,000, all of them due at once."""
        queue, due = self._queue, min(self.backlog, 100_000)
        queue.enqueue_many(NewJob(data(number, 0.0), delay=0.001) for number in range(due))
        time.sleep(0.01)
        return self._median(lambda: queue.call("promote", _BATCH), calls=min(5, due // _BATCH))

    def _completed(self) -> float:
        """Bytes that a completed job takes, its place in the list of completions included."""
        queue = self._queue
        queue.redis.flushall()
        empty = self._memory()
        queue.enqueue_many(NewJob(data(number, 0.0)) for number in range(_BATCH))
        self._turns(_BATCH, listed=_BATCH)
        return (self._memory() - empty) / _BATCH

    def _batch(self, priority: int) -> None:
        self._queue.enqueue_many([NewJob(data(number, 0.0), priority=priority) for number in range(_BATCH)])

    @staticmethod
    def _median(call: Callable[[], object], calls: int = _CALLS) -> float:
        times = []
        for _ in range(calls):
            began = time.perf_counter()
            call()
            times.append((time.perf_counter() - began) * 1000)
        return median(times)

    def _memory(self) -> int:
        """Bytes that hold data."""
        return int(self._queue.redis.info("memory")["used_memory_dataset"])

    @property
    def _queue(self) -> Queue:
        return Queue("bench", client(self.url, timeout=60))


def main() -> int:
    parser = ArgumentParser(prog="python -m tests.bench.growth", description=__doc__)
    parser.add_argument("--most", type=int, default=BACKLOGS[-1], help="the largest backlog")
    args = parser.parse_args()
    with BenchServer() as server:
        print(f"{version(client(server.url))}\n\n{report.heading(HEADINGS)}")
        for backlog in BACKLOGS:
            if backlog <= args.most:
                print(report.row(Growth(server.url, backlog).row()), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
