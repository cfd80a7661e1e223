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

from .peers.driver import data
from .server import BenchServer, version

BACKLOGS = (1_000, 10_000, 100_000, 1_000_000)

#: Calls of which the median is taken, and jobs that one urgent batch adds or one promote moves.
_CALLS, _BATCH = 25, 500

HEADINGS = (
    *("backlog", "enqueue", "enqueue, urgent", f"{_BATCH} urgent at once", "claim", "settle and claim"),
    *(f"promote {_BATCH}", "`queues`", "`jobs`, a page", "bytes a waiting job", "bytes a completed job"),
)

_REQUIRED = {"OPENAI_API_KEY": "sk-nobody", "S3_BUCKET": "b", "DATABASE_URL": "postgresql://127.0.0.1:1/none"}


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
        times = [
            self._median(lambda: queue.enqueue(data(0, 0.0))),
            self._median(lambda: queue.enqueue(data(0, 0.0), priority=1)),
            self._median(lambda: self._batch(priority=1), calls=5),
            *self._turns(),
            self._promote(),
            self._median(lambda: overview.look(queue)),
            self._median(lambda: listing.jobs(queue, "waiting")),
        ]
        shown = [f"{ms:.2f}" for ms in times]
        return [f"{self.backlog:,}", *shown, f"{waiting:.0f}", f"{self._completed():.0f}"]

    def _turns(self) -> list[float]:
        """A claim, and a turn that settles one job and claims the next."""
        config = load({**_REQUIRED, "REDIS_URL": self.url}, [])
        config = replace(config, keep_completed_count=0)
        slot = Slot(config, QueueConfig("bench"), "growth", 0)
        began = time.perf_counter()
        job = self._turn(slot, None)
        claim = (time.perf_counter() - began) * 1000
        turns = []
        for _ in range(_CALLS):
            began = time.perf_counter()
            job = self._turn(slot, Finished(job, Completed("{}"), 1))
            turns.append((time.perf_counter() - began) * 1000)
        slot.settle(Finished(job, Completed("{}"), 1))
        slot.disconnect()
        return [claim, median(turns)]

    @staticmethod
    def _turn(slot: Slot, finished: Finished | None) -> Job:
        slot.begin_turn(finished)
        job = slot.end_turn()
        assert isinstance(job, Job)
        return job

    def _promote(self) -> float:
        """Of as many jobs as there are in the backlog, at most 100,000, all of them due at once."""
        queue, due = self._queue, min(self.backlog, 100_000)
        queue.enqueue_many(NewJob(data(number, 0.0), delay=0.001) for number in range(due))
        time.sleep(0.01)
        return self._median(lambda: queue.call("promote", _BATCH), calls=min(5, due // _BATCH))

    def _completed(self) -> float:
        """Bytes that a completed job takes, its place in the list of completions included."""
        slot_jobs = 500
        queue = self._queue
        queue.redis.flushall()
        empty = self._memory()
        queue.enqueue_many(NewJob(data(number, 0.0)) for number in range(slot_jobs))
        slot = Slot(load({**_REQUIRED, "REDIS_URL": self.url}, []), QueueConfig("bench"), "growth", 0)
        job = self._turn(slot, None)
        for _ in range(slot_jobs - 1):
            job = self._turn(slot, Finished(job, Completed('{"ok":true,"score":7}'), 1))
        slot.settle(Finished(job, Completed('{"ok":true,"score":7}'), 1))
        slot.disconnect()
        return (self._memory() - empty) / slot_jobs

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
        print(f"{version(client(server.url))}\n\n| {' | '.join(HEADINGS)} |\n{'|---' * len(HEADINGS)}|")
        for backlog in BACKLOGS:
            if backlog <= args.most:
                print(f"| {' | '.join(Growth(server.url, backlog).row())} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
