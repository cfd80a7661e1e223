"""Many delayed jobs due at once: how long a janitor takes to promote them, and how long other clients of
Redis wait meanwhile."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from preppath_workers import NewJob, Queue
from preppath_workers.store.connections.connection import client
from preppath_workers.worker.maintenance.janitor_process import JanitorProcess
from preppath_workers.worker.processes.instance_info import InstanceInfo
from preppath_workers.worker.processes.liveness import Liveness
from tests.bench.peers.driver import data
from tests.support.report import p50_p99

from .steps import QUEUE, config

HEADINGS = ("jobs due at once", "one janitor moves them in", "PING meanwhile: p50 / p99 / at most, ms")


@dataclass(frozen=True)
class Burst:
    url: str
    jobs: int

    def row(self) -> list[str]:
        redis = client(self.url, timeout=60)
        redis.flushall()
        queue = Queue(QUEUE.name, redis)
        queue.enqueue_many(NewJob(data(number, 0.0), delay=0.001) for number in range(self.jobs))
        janitor = JanitorProcess(
            config(self.url), InstanceInfo("burst", {QUEUE.name: 1}, {QUEUE.name: QUEUE}, 0), Liveness()
        )
        is_over, waits = threading.Event(), list[float]()
        onlooker = threading.Thread(target=_ping, args=(self.url, is_over, waits))
        onlooker.start()
        began = time.perf_counter()
        while queue.counts().delayed:
            time.sleep(janitor.round())
        took = time.perf_counter() - began
        is_over.set()
        onlooker.join()
        p50, p99 = p50_p99(waits)
        return [f"{self.jobs:,}", f"{took:.1f} s", f"{p50:.2f} / {p99:.2f} / {max(waits):.2f}"]


def _ping(url: str, is_over: threading.Event, waits: list[float]) -> None:
    redis = client(url)
    while not is_over.wait(0.001):
        began = time.perf_counter()
        redis.ping()
        waits.append((time.perf_counter() - began) * 1000)
