"""A server that takes nearly as long for each answer as may be: leases stay, and no process seems to hang."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import Mock
from urllib.parse import urlsplit

import pytest
from redis import Redis

from preppath_workers import Queue
from preppath_workers.config.load import load
from preppath_workers.config.model import Config, QueueConfig
from preppath_workers.store.connections.clients import Clients
from preppath_workers.worker.child import fork_worker
from preppath_workers.worker.maintenance.janitor import Janitor
from preppath_workers.worker.processes.cancellations import Cancellations
from preppath_workers.worker.processes.instance_info import InstanceInfo
from preppath_workers.worker.processes.liveness import Liveness
from preppath_workers.worker.processes.machine_backoff import MachineBackoff
from preppath_workers.worker.processes.signals import LEAVE
from tests.support.redis import RedisServer
from tests.support.slow_proxy import slow_proxy
from tests.support.waiting import eventually

from .conftest import Start
from .harness import state_of

LEASE = 2.0
QUEUES = ("alpha", "beta")


@contextmanager
def slow(redis_url: str, delay: float) -> Iterator[str]:
    """Give the block the URL of a proxy that answers this many seconds later."""
    url = urlsplit(redis_url)
    with slow_proxy(url.port or 6379, delay) as port:
        yield url._replace(netloc=f"{url.hostname}:{port}").geturl()


@pytest.fixture
def config(redis_url: str, environment: dict[str, str]) -> Iterator[Config]:
    """Answers take 0.3 s; the janitor of a lease of 2 s waits for 0.5 s."""
    with slow(redis_url, 0.3) as url:
        yield load({**environment, "REDIS_URL": url, "LEASE_SECONDS": str(LEASE)}, [])


def test_janitor_of_a_slow_server_keeps_its_leases_and_beats(
    config: Config, redis: Redis, key_prefix: str
) -> None:
    queues = [Queue(name, redis, key_prefix) for name in QUEUES]
    for queue in queues:
        queue.enqueue({}, delay=60)  # else it would have nothing to do
    beats: list[float] = []
    info = InstanceInfo("own", dict.fromkeys(QUEUES, 1), {name: QueueConfig(name) for name in QUEUES}, 0)
    clients = Clients.prompt(config.redis, timeout=0.5)
    janitor = Janitor(config, info, clients, QUEUES, lambda: beats.append(time.monotonic()))
    left: list[float] = []
    is_over = threading.Event()

    def look() -> None:
        """Note how long the leases last, once they were renewed."""
        while not is_over.wait(0.02):
            for queue in queues:
                ends = queue.redis.zscore(queue.keys.instances, "own")
                if ends:
                    left.append((float(ends) - queue.now()) / 1000)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        for _ in range(2):
            janitor.loop()
    finally:
        is_over.set()
        looking.join()

    assert min(left) > 0
    # The supervisor kills a janitor that does not beat for two thirds of a lease.
    assert max(after - before for before, after in pairwise(beats)) < LEASE * 2 / 3


def test_worker_of_a_slow_server_beats_between_its_answers(
    own_server: RedisServer, environment: dict[str, str], tmp_path: Path
) -> None:
    """It has to connect, load the scripts and settle its job: together that may take longer than the silence
    after which the supervisor kills a worker."""
    delay, go_on, liveness = 1.0, tmp_path / "go-on", Liveness()
    redis = Redis.from_url(own_server.url, decode_responses=True)
    alpha = Queue("alpha", redis, environment["KEY_PREFIX"])
    alpha.enqueue({}, id="j")

    def handle(_context: object, _services: object) -> dict[str, Any]:
        while not go_on.exists():
            time.sleep(0.01)
        return {}

    with slow(own_server.url, delay) as url:
        config = load({**environment, "REDIS_URL": url}, [])
        around = (Mock(), "own", 0, liveness, Cancellations(), MachineBackoff())
        worker = fork_worker(config, QueueConfig("alpha"), handle, *around)
        try:
            eventually(lambda: liveness.busy_for)
            redis.client_kill_filter(_type="normal", skipme=True)
            redis.script_flush()
            go_on.touch()
            eventually(lambda: not liveness.busy_for, every=0.001)
            silences: list[float] = []
            seen_at: list[float] = []
            while not seen_at or time.monotonic() < seen_at[0] + delay:  # until it has its answer too
                silences.append(liveness.silent_for)
                time.sleep(0.01)
                if state_of(alpha, "j") == "completed":
                    seen_at.append(time.monotonic())
        finally:
            worker.kill()
            worker.join()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [LEAVE])  # as a fork leaves it

    # Three answers: to the look at the scripts, to their texts, and to the job's end.
    assert max(silences) < 2.5 * delay


def test_worker_that_settles_its_job_as_the_grace_ends_is_not_killed(
    launch: Start, alpha: Queue, redis_url: str
) -> None:
    with slow(redis_url, 0.5) as url:
        app = launch(REDIS_URL=url, SHUTDOWN_GRACE="0").start()
        alpha.enqueue({"do": "sleep", "seconds": 0.2}, id="j")
        eventually(lambda: app.records("end"))
        assert app.stop() == 0
    assert state_of(alpha, "j") == "completed"
    assert not [line for line in app.lines() if line["message"].startswith("Killing worker")]
