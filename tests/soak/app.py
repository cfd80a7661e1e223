"""`python -m tests.soak.app`: the real supervisor, with a handler that writes down what it does and when."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Mapping
from typing import Any

from preppath_workers.errors import TransientError
from preppath_workers.handlers.kind import Attempt
from tests.processes import playbook
from tests.processes.starting import supervise


def handle(attempt: Attempt, services: object) -> Mapping[str, Any]:
    _note("start", attempt)
    if attempt.id.startswith("p"):
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(attempt.data["ms"] / 1000)
    if attempt.id.startswith("f"):
        _note("fail", attempt)
        raise TransientError("as always")
    _note("end", attempt)
    return {}


def _note(what: str, attempt: Attempt) -> None:
    playbook.record(f"{what} {attempt.id} {os.getpid()} {time.monotonic():.4f}")


if __name__ == "__main__":
    sys.exit(supervise({"alpha": handle}))
