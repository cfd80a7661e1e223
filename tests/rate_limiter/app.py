"""`python -m tests.rate_limiter.app`: the real supervisor, on a machine whose clock is wrong.

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

from preppath_workers.registry import JobContext
from tests.integration.worker import scripted_handlers
from tests.integration.worker.starting import supervise

#: Seconds that a clock which jumps may be wrong.
FAR = 36_000.0


def put_clock_wrong(skew: str) -> None:
    """Before anything is forked, so that it holds for all workers."""
    right = time.time
    wrong: Callable[[], float] = (
        (lambda: right() + random.uniform(-FAR, FAR)) if skew == "jumps" else (lambda: right() + float(skew))
    )
    time.time = wrong
    time.time_ns = lambda: round(wrong() * 1e9)


def handle(context: JobContext, services: object) -> Mapping[str, Any]:
    scripted_handlers.record(
        f"start {context.id} {os.getpid()} {time.clock_gettime(time.CLOCK_REALTIME) * 1000:.3f}"
    )
    time.sleep(context.data["ms"] / 1000)
    return {}


if __name__ == "__main__":
    put_clock_wrong(os.environ["SKEW"])
    sys.exit(supervise({"alpha": handle}))
