"""A server that takes nearly as long for each answer as may be: leases stay, and no process seems to hang."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from urllib.parse import urlsplit

import pytest
from redis import Redis

from preppath_workers import Queue
from preppath_workers.config.load import load
from preppath_workers.config.model import Config, QueueConfig
from preppath_workers.store.connections.clients import Clients
from preppath_workers.worker.maintenance.janitor import Janitor
from preppath_workers.worker.processes.instance_info import InstanceInfo
from tests.support.slow_proxy import slow_proxy

LEASE = 2.0
QUEUES = ("alpha", "beta")


@pytest.fixture
def config(redis_url: str, environment: dict[str, str]) -> Iterator[Config]:
    """Answers take 0.3 s; the janitor of a lease of 2 s waits for 0.5 s."""
    url = urlsplit(redis_url)
    with slow_proxy(url.port or 6379, 0.3) as port:
        slow = url._replace(netloc=f"{url.hostname}:{port}").geturl()
        yield load({**environment, "REDIS_URL": slow, "LEASE_SECONDS": str(LEASE)}, [])


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
