"""Two supervisors and a producer, as processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from preppath_workers import Queue
from preppath_workers.store.connections.connection import client
from preppath_workers.store.keys import Keys
from tests.integration.worker.harness import App
from tests.support.minimal_env import MINIMAL_ENV
from tests.support.process import ROOT
from tests.support.waiting import eventually

from .ledger import Ledger

PREFIX = "trial"

#: Supervisors, and workers of each for a queue.
SUPERVISORS, WORKERS = 2, 4

#: Seconds that the remaining jobs may take after the last failover.
_DRAIN = 60.0


class Load:
    """Supervisors that work on queues at `url`, and a producer that adds `rate` jobs a second to each."""

    def __init__(
        self,
        folder: Path,
        url: str,
        queues: Sequence[str] = ("alpha",),
        rate: float = 100.0,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self._folder = folder
        self._url = url
        self._queues = queues
        self._environment = {
            **MINIMAL_ENV,
            "REDIS_URL": url,
            "KEY_PREFIX": PREFIX,
            "LOG_LEVEL": "warning",
            "LOG_FORMAT": "json",
            "HANDLER_RECORD": str(folder / "record"),
            "TRIAL_QUEUES": " ".join(queues),
            "TRIAL_RATE": str(rate),
            "TRIAL_ACCEPTED": str(folder / "accepted"),
            **{f"{queue.upper()}_CONCURRENCY": str(WORKERS) for queue in queues},
            **(variables or {}),
        }
        self._apps: list[App] = []
        self._producer: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        for number in range(SUPERVISORS):
            folder = self._folder / f"app{number}"
            folder.mkdir()
            self._apps.append(App(folder, self._environment, module="tests.failover.app").launch())
        self._producer = subprocess.Popen(
            [sys.executable, "-m", "tests.failover.producer"],
            cwd=ROOT,
            env={**os.environ, **self._environment},
            start_new_session=True,
        )
        self.await_progress(50)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._producer and self._producer.poll() is None:
            self._producer.kill()
            self._producer.wait()
        for app in self._apps:
            app.kill()

    def ledger(self) -> Ledger:
        warnings = [line for app in self._apps for line in app.logged("Checkpoint is not replicated")]
        unconfirmed = frozenset(str(line["jobId"]) for line in warnings)
        return Ledger.read(self._folder / "accepted", self._folder / "record", unconfirmed)

    def await_progress(self, jobs: int) -> None:
        """Wait until `jobs` jobs of each queue that are accepted from now on have ended."""
        now = time.monotonic()

        def has_progressed() -> bool:
            ledger = self.ledger()
            ended = [job_id for job_id in ledger.completed() if ledger.accepted[job_id] > now]
            return all(
                sum(job_id.startswith(f"{name}-") for job_id in ended) >= jobs for name in self._queues
            )

        eventually(has_progressed, deadline=90, every=0.5)

    def finish(self) -> Ledger:
        """Stop the producer, let the workers finish what there is, stop them, and return what was written."""
        assert self._producer is not None
        self._producer.send_signal(signal.SIGTERM)
        if code := self._producer.wait(30):
            raise AssertionError(f"the producer exited with {code}")
        eventually(self._is_done, deadline=_DRAIN, every=0.2)
        codes = [app.stop() for app in self._apps]
        if any(codes):
            raise AssertionError(f"supervisors exited with {codes}")
        return self.ledger()

    def _is_done(self) -> bool:
        for name in self._queues:
            with client(self._url, base=Keys(PREFIX, name).base) as redis:
                if Queue(name, redis, PREFIX).counts().unfinished:
                    return False
        return True
