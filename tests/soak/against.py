"""The same jobs and kills for our workers and their peers: `python -m tests.soak --against rq,celery`.

For some time, a worker process that runs a job is killed every half second. A system whose main process ends
is started again. Then each has two minutes to run what was lost, with its default settings.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from statistics import median

from tests.bench import tree
from tests.bench.systems import OURS, PEERS, System
from tests.support import report
from tests.support.redis import RedisServer

from .record import Record

#: Jobs, seconds that each takes, worker processes, and kills at most.
JOBS, SECONDS, PROCESSES, KILLS = 240, 0.3, 4, 20

#: Seconds between two kills, during which there are kills, and from then to the end.
_PAUSE, _TROUBLE, _PATIENCE = 0.5, 20.0, 120.0

#: The systems with the benchmark's settings, and two variants: RQ's default worker, which forks for each job,
#: and Celery with its switch against lost workers.
_RQ, _CELERY, *_OTHERS = (
    peer for peer in PEERS if peer.name in ("rq", "celery", "dramatiq", "bullmq (Python)")
)
SYSTEMS = (
    OURS,
    _RQ,
    _CELERY,
    *_OTHERS,
    replace(_RQ, name="rq, its usual Worker", environment={"RQ_FORK": "1"}),
    replace(_CELERY, name="celery, reject_on_worker_lost", environment={"CELERY_REJECT": "1"}),
)

HEADINGS = ("system", "kills", "jobs never run to their end", "runs too many", "a killed job's next start")


@dataclass
class Contestant:
    """One system on a server of its own."""

    system: System
    url: str
    folder: Path
    random: Random
    _kills: list[tuple[str, float]] = field(default_factory=list)
    _began: float = 0.0
    _next_kill: float = 0.0
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.system.ask(self.url, "add", str(JOBS), "--bulk", "--seconds", str(SECONDS))
        self._began = time.monotonic()
        self._launch()

    def step(self) -> None:
        """Start it again if it has ended, and kill a worker if it is time."""
        assert self._process is not None
        if self._process.poll() is not None:
            tree.end(self._process)
            self._launch()
        now = time.monotonic()
        is_troubled = len(self._kills) < KILLS and now < self._began + _TROUBLE
        if is_troubled and now > self._next_kill and (busy := self._busy()):
            pid, job_id = self.random.choice(busy)
            self._kills.append((job_id, now))
            self._next_kill = now + _PAUSE
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def is_done(self) -> bool:
        is_over = time.monotonic() > self._began + _TROUBLE + _PATIENCE
        return is_over or self._record.ended_jobs == JOBS

    def stop(self) -> None:
        if self._process:
            tree.end(self._process)

    def row(self) -> list[str]:
        record = self._record
        again = [(at, record.next_run(job_id, at)) for job_id, at in self._kills]
        took = sorted(run.began - at for at, run in again if run)
        measured = f"{median(took):.2f} s; {took[-1]:.2f} s at most" if took else ""
        never = len(again) - len(took)
        measured += f"{', ' if measured else ''}{never} of {len(again)} never" if never else ""
        return [
            self.system.name,
            str(len(again)),
            str(JOBS - record.ended_jobs),
            str(len(record.runs) - len(record.by_job)),
            measured,
        ]

    def _launch(self) -> None:
        self._process = self.system.start(PROCESSES, self.url, BENCH_RECORD=str(self._path))

    def _busy(self) -> list[tuple[int, str]]:
        """Return the processes that are running a job, each with that job."""
        record = self._record
        assert self._process is not None
        members = {*tree.members(self._process.pid)}
        latest = ((pid, runs[-1].job_id) for pid, runs in record.by_pid.items() if pid in members)
        return [(pid, job_id) for pid, job_id in latest if not record.has_ended(job_id)]

    @property
    def _path(self) -> Path:
        return self.folder / "record"

    @property
    def _record(self) -> Record:
        return Record.read(self._path)


def compete(names: str, folder: Path) -> int:
    """Print the table of our workers and the systems whose names contain one of these."""
    systems = [
        system
        for system in SYSTEMS
        if system is OURS or any(name in system.name for name in names.split(","))
    ]
    with ExitStack() as stack:
        contestants = []
        for number, system in enumerate(systems):
            if failure := system.install():
                print(f"{system.name}: {failure}", file=sys.stderr)
                continue
            own = folder / str(number)
            own.mkdir()
            server = stack.enter_context(RedisServer())
            contestants.append(Contestant(system, server.url, own, Random(number)))
            stack.callback(contestants[-1].stop)
            contestants[-1].start()
        while not all(contestant.is_done() for contestant in contestants):
            for contestant in contestants:
                contestant.step()
            time.sleep(0.05)
        print(report.heading(HEADINGS))
        for contestant in contestants:
            print(report.row(contestant.row()))
    return 0
