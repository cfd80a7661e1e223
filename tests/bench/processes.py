"""Many workers on one Redis: their load on it while they wait, how soon a job starts, and how long it takes
to recover the jobs of half of them."""

from __future__ import annotations

import logging
import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.process import BaseProcess

from preppath_workers import Queue
from preppath_workers.clients.parent_death import set_pdeathsig
from preppath_workers.config.model import Config
from preppath_workers.store.connections.connection import client
from preppath_workers.store.consuming.consumer import Consumer, Wait
from preppath_workers.store.consuming.outcome import Finished
from preppath_workers.store.job import Job
from preppath_workers.worker.maintenance.janitor_process import JanitorProcess
from preppath_workers.worker.processes.instance_info import InstanceInfo
from preppath_workers.worker.processes.liveness import Liveness
from tests.support.report import p50_p99
from tests.support.waiting import eventually

from . import server
from .steps import QUEUE, config, done, median_ms

#: Slots of an instance, and seconds of a job that occupies its worker.
_SLOTS, _LONG = 10, 60.0

#: Processes that host the instances, at most.
_PROCESSES = 50

HEADINGS = (
    "instances × workers",
    "at rest: Redis's CPU, commands/s",
    "enqueue to start: p50 / p99, ms",
    "`Queue.snapshot`, ms",
    "`Queue.locate`, ms",
    "half of them die: all their jobs wait again after",
    "longest command, ms",
)


@dataclass(frozen=True)
class Processes:
    """Several instances, of which each process hosts a few. Real consumers in threads and janitors send
    to Redis what that many machines would send."""

    url: str
    instances: int
    #: Seconds of a lease, and that the instances are watched at rest; jobs whose start is timed.
    lease: float = 15.0
    rest: float = 15.0
    samples: int = 200

    def row(self) -> list[str]:
        redis = client(self.url, timeout=60)
        redis.flushall()
        queue = Queue(QUEUE.name, redis)
        with self._instances_running() as members:
            slots = self.instances * _SLOTS
            # Of thousands, some are always between two pops.
            eventually(lambda: _blocked(queue) >= slots - slots // 50, deadline=120)
            _forget_slow_commands(queue)
            at_rest = self._at_rest(queue)
            starts = p50_p99([_start(queue) for _ in range(self.samples)])
            for _ in range(slots):
                queue.enqueue({"seconds": _LONG})
            eventually(lambda: queue.counts().active >= slots, deadline=120)
            looks = median_ms(lambda: queue.snapshot(), calls=5)
            waiting = queue.enqueue({}).id
            locating = median_ms(lambda: queue.locate(waiting, None), calls=5)
            died = _kill(members[: len(members) // 2])
            left = self.instances * (len(members) // 2) // len(members) * _SLOTS
            eventually(lambda: queue.statistics().get("recovered", 0) >= left, deadline=self.lease * 3)
            recovered = time.monotonic() - died
            longest = _longest_command(queue)
        return [
            f"{self.instances} × {_SLOTS}",
            at_rest,
            f"{starts[0]:.1f} / {starts[1]:.1f}",
            f"{looks:.1f}",
            f"{locating:.1f}",
            f"{recovered:.1f} s",
            f"{longest:.1f}",
        ]

    @contextmanager
    def _instances_running(self) -> Iterator[list[BaseProcess]]:
        context, prepare = multiprocessing.get_context("fork"), set_pdeathsig()
        settings = replace(config(self.url), lease=self.lease)
        names = [f"instance-{number}" for number in range(self.instances)]
        processes = min(_PROCESSES, self.instances)
        members: list[BaseProcess] = [
            context.Process(target=_live, args=(settings, names[number::processes], prepare))
            for number in range(processes)
        ]
        redis = client(self.url, timeout=60)
        for number, member in enumerate(members, start=1):
            member.start()
            # One after the other: a server's backlog of connections is short.
            workers = self.instances * number // processes * _SLOTS // 2
            eventually(
                lambda workers=workers: redis.info("clients")["connected_clients"] >= workers, deadline=60
            )
        try:
            yield members
        finally:
            _kill(members)

    def _at_rest(self, queue: Queue) -> str:
        before = server.usage(queue.redis)
        time.sleep(self.rest)
        after = server.usage(queue.redis)
        share = (after.cpu - before.cpu) / self.rest / 1000
        return f"{share:.1%}, {(after.commands - before.commands) / self.rest:,.0f}"


def _live(settings: Config, instances: Sequence[str], prepare: Callable[[], None]) -> None:
    """Run these instances until the process is killed."""
    prepare()
    logging.disable()
    janitors = [
        JanitorProcess(
            settings, InstanceInfo(instance, {QUEUE.name: _SLOTS}, {QUEUE.name: QUEUE}, 0), Liveness()
        )
        for instance in instances
    ]
    for instance in instances:
        for number in range(_SLOTS):
            threading.Thread(
                target=_work, args=(Consumer(settings, QUEUE, instance, number),), daemon=True
            ).start()
    while True:
        time.sleep(min(janitor.round() for janitor in janitors))


def _work(consumer: Consumer) -> None:
    finished: Finished | None = None
    while True:
        consumer.settle_and_fetch(finished)
        answer, finished = consumer.next_job(), None
        if isinstance(answer, Wait):
            time.sleep(answer.seconds)
        elif isinstance(answer, Job):
            time.sleep(answer.data.get("seconds", 0))
            finished = done(answer)


def _start(queue: Queue) -> float:
    """Return the ms from just before a job is added until it is started, by the server's clock."""
    job_id = queue.enqueue({}).id
    (job,) = eventually(lambda: [job for job in queue.get_many([job_id]) if job.state == "completed"])
    assert job.wait_ms is not None
    return float(job.wait_ms)


def _blocked(queue: Queue) -> int:
    return int(queue.redis.info("clients")["blocked_clients"])


def _kill(members: list[BaseProcess]) -> float:
    """Kill the processes and return when (s, monotonic)."""
    at = time.monotonic()
    for member in members:
        member.kill()
    for member in members:
        member.join()
    return at


def _forget_slow_commands(queue: Queue) -> None:
    queue.redis.config_set("slowlog-log-slower-than", 500)
    queue.redis.slowlog_reset()


def _longest_command(queue: Queue) -> float:
    """Return the ms of the longest command since then, 0.5 if none was longer."""
    return max((entry["duration"] / 1000 for entry in queue.redis.slowlog_get(1_000)), default=0.5)
