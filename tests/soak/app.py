"""`python -m tests.soak.app`: the real supervisor, with a handler that writes down what it does and when."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Mapping
from typing import Any

from preppath_workers.errors import TransientError
from preppath_workers.registry import JobContext
from tests.integration.worker import scripted_handlers
from tests.integration.worker.starting import supervise


def handle(context: JobContext, services: object) -> Mapping[str, Any]:
    _note("start", context)
    if context.id.startswith("p"):
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(context.data["ms"] / 1000)
    if context.id.startswith("f"):
        _note("fail", context)
        raise TransientError("as always")
    _note("end", context)
    return {}


def _note(what: str, context: JobContext) -> None:
    scripted_handlers.record(f"{what} {context.id} {os.getpid()} {time.monotonic():.4f}")


if __name__ == "__main__":
    sys.exit(supervise({"alpha": handle}))
