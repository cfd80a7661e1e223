"""`python -m tests.limiter.app`: the real supervisor, on a machine whose clock is wrong.

`SKEW` says by how many seconds, or `jumps`: then each look at it shows another time, hours apart. What the
handler writes down is the moment by the right clock: it is not the app that is watched.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any
from unittest.mock import Mock

from preppath_workers import config, log
from preppath_workers.handlers.kind import Attempt, Trade
from preppath_workers.processes.supervisor import Supervisor
from preppath_workers.settings import Config, QueueConfig
from tests.processes import playbook

QUEUES = (QueueConfig("alpha"),)

#: Seconds that a clock which jumps may be wrong.
FAR = 36_000.0


def put_clock_wrong(skew: str) -> None:
    """Before anything is forked, so that it holds for all children."""
    right = time.time
    wrong: Callable[[], float] = (
        (lambda: right() + random.uniform(-FAR, FAR)) if skew == "jumps" else (lambda: right() + float(skew))
    )
    time.time = wrong
    time.time_ns = lambda: round(wrong() * 1e9)


def handle(attempt: Attempt, services: object) -> Mapping[str, Any]:
    playbook.record(f"start {attempt.id} {os.getpid()} {time.clock_gettime(time.CLOCK_REALTIME) * 1000:.3f}")
    time.sleep(attempt.data["ms"] / 1000)
    return {}


def load() -> Config:
    loaded = config.load(config.read_environment(), QUEUES)
    log.configure(loaded.log, loaded.secrets())
    return loaded


if __name__ == "__main__":
    put_clock_wrong(os.environ["SKEW"])
    sys.exit(Supervisor(load(), Trade({"alpha": handle}, lambda _: Mock()), load).run())
