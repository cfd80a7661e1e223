"""`python -m tests.upgrade.app`: a supervisor of whichever release this file is in.

It imports only what every release has: the interface of handlers, and the tests' way to start a supervisor.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from preppath_workers.errors import TransientError
from preppath_workers.registry import JobContext
from tests.integration.worker.starting import supervise


def handle(context: JobContext, services: object) -> Mapping[str, Any]:
    def pay() -> str:
        _note("paid", job_id, "TRIAL_PAID")
        return "answer"

    # A raw push has no id that its producer knows.
    job_id = context.data.get("raw", context.id)
    _note("start", job_id, "TRIAL_RECORD")
    context.progress(10)
    assert context.step("pay", pay) == "answer"
    time.sleep(context.data["ms"] / 1000)
    context.check_lease()
    failed = Path(os.environ["TRIAL_FAILED"]) / job_id
    if context.data.get("fails") and not failed.exists():
        failed.touch()
        _note("fail", job_id, "TRIAL_RECORD")
        raise TransientError("the first time")
    _note("end", job_id, "TRIAL_RECORD")
    return {"ms": context.data["ms"]}


def _note(what: str, job_id: str, variable: str) -> None:
    with Path(os.environ[variable]).open("ab", buffering=0) as file:
        file.write(f"{what} {job_id} {os.getpid()} {time.monotonic():.4f}\n".encode())


if __name__ == "__main__":
    sys.exit(supervise({"alpha": handle, "beta": handle}))
