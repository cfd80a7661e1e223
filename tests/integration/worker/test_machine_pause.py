"""A worker that pauses because its machine lacks something."""

from __future__ import annotations

import time
from unittest.mock import Mock

from preppath_workers import Queue
from preppath_workers.config.load import load
from preppath_workers.config.model import QueueConfig
from preppath_workers.store.consuming.consumer import Consumer
from preppath_workers.worker.processes.cancellations import Cancellations
from preppath_workers.worker.processes.liveness import Liveness
from preppath_workers.worker.processes.machine_backoff import MachineBackoff
from preppath_workers.worker.processes.process_title import ProcessTitle
from preppath_workers.worker.worker import Worker
from tests.support.own_process import exit_code_of


def test_worker_that_pauses_leaves_its_reserved_job_to_other_machines(
    alpha: Queue, environment: dict[str, str]
) -> None:
    queue, backoff = QueueConfig("alpha"), MachineBackoff()
    config = load(environment, [queue])

    def body() -> int:
        consumer = Consumer(config, queue, "host", 0)
        around = (Mock(), Liveness(), ProcessTitle("alpha[0]"), Cancellations(), backoff)
        worker = Worker(config, queue, Mock(), consumer, *around)
        worker.loop()
        assert alpha.redis.lrange(alpha.keys.active("host:0"), 0, -1) == ["j"]
        backoff.record("another job", time.monotonic(), failed=True)
        worker.loop()
        return 0

    alpha.enqueue({}, id="j")
    alpha.redis.rpoplpush(alpha.keys.wait, alpha.keys.active("host:0"))
    alpha.pause()

    assert exit_code_of(body) == 0  # a worker installs signal handlers

    assert alpha.redis.lrange(alpha.keys.wait, 0, -1) == ["j"]
