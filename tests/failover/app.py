"""`python -m tests.failover.app`: the real supervisor, with a handler that pays for something."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from typing import Any

from preppath_workers.registry import JobContext
from tests.integration.worker import scripted_handlers
from tests.integration.worker.starting import supervise


def handle(context: JobContext, services: object) -> Mapping[str, Any]:
    def pay() -> bool:
        _note("paid", context)
        return True

    _note("start", context)
    context.step("pay", pay)
    _note("kept", context)
    time.sleep(context.data["ms"] / 1000)
    _note("end", context)
    return {}


def _note(what: str, context: JobContext) -> None:
    scripted_handlers.record(f"{what} {context.id} {os.getpid()} {time.monotonic():.4f}")


if __name__ == "__main__":
    sys.exit(supervise(dict.fromkeys(os.environ["TRIAL_QUEUES"].split(), handle)))
