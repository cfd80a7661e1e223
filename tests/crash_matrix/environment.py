"""What a case runs on: the server, the proxy, and real processes, forked as the supervisor forks them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from multiprocessing.context import ForkProcess
from pathlib import Path
from unittest.mock import Mock, patch

from redis import Redis
from redis.exceptions import RedisError

from preppath_workers import Queue
from preppath_workers.clients.parent_death import set_pdeathsig
from preppath_workers.config.load import load
from preppath_workers.config.model import Config, QueueConfig
from preppath_workers.store import scripts
from preppath_workers.store.connections import connection
from preppath_workers.store.keys import Keys
from preppath_workers.worker.child import fork_janitor, fork_worker
from preppath_workers.worker.processes.cancellations import Cancellations
from preppath_workers.worker.processes.instance_info import InstanceInfo
from preppath_workers.worker.processes.liveness import Liveness
from preppath_workers.worker.processes.machine_backoff import MachineBackoff
from preppath_workers.worker.processes.signals import LEAVE
from tests.integration.store.redis_state import RedisState
from tests.support.minimal_env import MINIMAL_ENV
from tests.support.process import HOST
from tests.support.redis import RedisServer
from tests.support.waiting import eventually

from .proxy import Proxy
from .record import Record

#: Seconds of an instance's lease.
LEASE = 1.0

_QUEUE = QueueConfig("case", retries=1, backoff=0.1, recoveries=2)

BUDGET = Keys("preppath", "budget")

#: The caller's instance, and another one.
HOME, OTHER = "home", "other"

#: Seconds that a client of the API waits for its answer here, and its caller before it tries again.
_CALL_TIMEOUT, _CALL_PAUSE = 0.5, 0.05


class _QueueState(RedisState):
    """The state of the queue alone, without the budget, which is in a slot of its own."""

    def all_keys(self) -> Iterator[str]:
        return (key for key in super().all_keys() if key.startswith(self.keys.base))


@dataclass
class Environment:
    """One server, one queue on it, and the processes of one case."""

    server: RedisServer
    proxy: Proxy
    record: Record
    queue_config: QueueConfig = _QUEUE
    _processes: list[ForkProcess] = field(default_factory=list)

    @cached_property
    def redis(self) -> Redis:
        return Redis.from_url(self.server.url, decode_responses=True)

    @property
    def queue(self) -> Queue:
        return Queue(_QUEUE.name, self.redis)

    @property
    def state(self) -> RedisState:
        return _QueueState(self.redis, self.queue.keys)

    def budget(self) -> dict[str, int]:
        """Return what is reserved, spent and perhaps spent."""
        found = dict.fromkeys(("reserved", "spent", "unknown"), 0)
        for key in self.redis.scan_iter(match=BUDGET.budget("????-??-??")):
            for name in found:
                found[name] += int(self.redis.hget(key, f"{name} all") or 0)
        return found

    def begin(self, **settings: object) -> None:
        """Begin a case: empty Redis, load the scripts, and take these settings."""
        self.redis.flushall()
        with self.redis.pipeline(transaction=False) as pipeline:
            for script in scripts.scripts().values():
                pipeline.script_load(script.text)
            pipeline.execute()
        self.record.clear()
        self.queue_config = replace(_QUEUE, **settings)

    def end(self) -> None:
        for process in self._processes:
            process.kill()
            process.join()
        self._processes.clear()
        # A fork leaves it blocked, as a supervisor needs it; processes that are started later must receive
        # it.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [LEAVE])

    def worker(self, instance: str = HOME, *, direct: bool = False) -> ForkProcess:
        """A worker in the instance's only slot, which reaches Redis through the proxy unless `direct`."""
        return self._keep(
            fork_worker(
                self._config(direct),
                self.queue_config,
                self.record.handle,
                Mock(),
                instance,
                0,
                Liveness(),
                Cancellations(),
                MachineBackoff(),
            )
        )

    def janitor(self, instance: str = HOME, *, direct: bool = False) -> ForkProcess:
        instance_info = InstanceInfo(instance, {_QUEUE.name: 1}, {_QUEUE.name: self.queue_config}, 0)
        return self._keep(fork_janitor(self._config(direct), instance_info, Liveness()))

    def caller(self, call: Callable[[Queue], object]) -> ForkProcess:
        """A process that calls the API until a call succeeds, as a producer or operator does."""
        url, die_with_us = self._config(direct=False).redis.url, set_pdeathsig()

        def body() -> None:
            die_with_us()
            queue = Queue(_QUEUE.name, connection.client(url, _CALL_TIMEOUT))
            while True:
                try:
                    call(queue)
                except RedisError:
                    time.sleep(_CALL_PAUSE)
                else:
                    return

        process = multiprocessing.get_context("fork").Process(target=body, daemon=True)
        process.start()
        return self._keep(process)

    def has_come_to_rest(self, process: ForkProcess) -> bool:
        """Whether the process has ended, or a worker waits for jobs."""
        is_popping = any("b" in client["flags"] for client in self.redis.client_list())
        return process.exitcode is not None or is_popping

    def lose_worker(self, job_id: str, instance: str = HOME) -> None:
        """Kill a worker of the instance while it runs the job, which must take a while."""
        worker = self.worker(instance, direct=True)
        eventually(lambda: self.record.count("start")[job_id])
        kill(worker)

    def expire(self, instance: str) -> None:
        """Make the instance's lease end in the past."""
        self.redis.zadd(self.queue.keys.instances, {instance: 1})

    def _config(self, direct: bool) -> Config:
        port = self.server.port if direct else self.proxy.port
        environment = {
            "REDIS_URL": f"redis://{HOST}:{port}",
            **MINIMAL_ENV,
        }
        return replace(load(environment, []), lease=LEASE, max_memory_mb=0)

    def _keep(self, process: ForkProcess) -> ForkProcess:
        self._processes.append(process)
        return process


@contextmanager
def set_up(folder: Path) -> Iterator[Environment]:
    """Start server and proxy. Timeouts are shorter than usual: otherwise a worker would notice a silently
    lost connection only after ten seconds."""
    settings = {"appendonly": "yes", "appendfsync": "always", "auto-aof-rewrite-percentage": "0"}
    with (
        patch("preppath_workers.store.consuming.consumer.BLOCK", 0.3),
        patch("preppath_workers.store.consuming.consumer.ANSWER_TIMEOUT", 0.6),
        patch("preppath_workers.worker.maintenance.janitor._ROUND", 0.1),
        patch("preppath_workers.worker.attempt.budget._TIMEOUT", 0.6),
        patch("preppath_workers.worker.maintenance.budget_keeper._INTERVAL", 0.1),
        patch("preppath_workers.worker.maintenance.budget_keeper._OPEN_MS", 0),
        # Otherwise the first reap, which the proxy stops, would find no expired lease yet.
        patch("preppath_workers.worker.maintenance.connection_uptime.ConnectionUptime.uptime_ms", 10**15),
        RedisServer(settings=settings) as server,
        Proxy(server.port) as proxy,
    ):
        environment = Environment(server, proxy, Record(folder / "record"))
        try:
            yield environment
        finally:
            environment.end()


def kill(process: ForkProcess) -> None:
    process.kill()
    process.join()


def signal_to(process: ForkProcess, number: int) -> None:
    assert process.pid
    os.kill(process.pid, number)
