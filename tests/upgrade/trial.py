"""Rolling restarts from one release to the other and back, while both add and run jobs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from redis import Redis

from preppath_workers import Queue
from preppath_workers.store import repair
from preppath_workers.store.keys import Keys
from tests.soak.record import Record
from tests.support.minimal_env import MINIMAL_ENV
from tests.support.waiting import eventually

from .release import Program, Release

PREFIX, QUEUES = "trial", ("alpha", "beta")

#: Supervisors; every third restart is a SIGKILL. Seconds with both releases after each.
_SUPERVISORS, _KILL_EVERY, _MIXED = 3, 3, 1.0

_DRAIN = 60.0


@dataclass
class Trial:
    """The restarts and what they did to the jobs."""

    url: str
    folder: Path
    old: Release
    new: Release
    restarts: int = 0
    kills: int = 0
    killed: set[int] = field(default_factory=set)
    codes: list[str] = field(default_factory=list)
    _supervisors: list[Program] = field(default_factory=list)
    _producers: list[Program] = field(default_factory=list)

    def run(self, rounds: int, report: Callable[[str], object]) -> None:
        """Restart all supervisors `rounds` times. Raises AssertionError if jobs are left at the end."""
        (self.folder / "failed").mkdir()
        try:
            self._supervisors = [self._supervisor(self.old) for _ in range(_SUPERVISORS)]
            self._producers = [
                self._start(release, "tests.upgrade.producer", release.name)
                for release in (self.old, self.new)
            ]
            for number in range(rounds):
                self._roll(self.new if number % 2 == 0 else self.old)
                report(f"restart {number + 1}: all supervisors are of {self._supervisors[0].release.name}")
            for producer in self._producers:
                self._stop(producer)
            eventually(self._is_done, _DRAIN, every=0.2)
            for supervisor in self._supervisors:
                self._stop(supervisor)
        finally:
            for program in (*self._supervisors, *self._producers):
                program.end()

    def accepted(self) -> list[str]:
        return [line.split()[0] for line in self._path("accepted").read_text().splitlines()]

    def record(self) -> Record:
        return Record.read(self._path("record"))

    def lost(self) -> list[str]:
        record = self.record()
        return [job_id for job_id in self.accepted() if not record.has_ended(job_id)]

    def run_twice(self) -> list[str]:
        """Return jobs that ran again although they had not failed, and their worker was not killed."""
        return [
            job_id
            for job_id, runs in self.record().by_job.items()
            if any(not (run.failed or run.pid in self.killed) for run, _ in pairwise(runs))
        ]

    def paid_twice(self) -> list[str]:
        """Return jobs that paid again although the worker that paid was not killed."""
        found, payers = [], dict[str, str]()
        for _, job_id, pid, _ in map(str.split, self._path("paid").read_text().splitlines()):
            if job_id in payers and int(payers[job_id]) not in self.killed:
                found.append(job_id)
            payers[job_id] = pid
        return found

    def problems_in_redis(self) -> list[str]:
        """Return what the audit finds, and dead letters."""
        found = []
        with Redis.from_url(self.url, decode_responses=True) as client:
            for name in QUEUES:
                queue = Queue(name, client, PREFIX)
                found += [f"{name}: {problem}" for problem in repair.find_problems(queue)]
                found += [f"{name}: dead: {job.id}: {job.error}" for job in queue.jobs("failed")]
        return found

    def tracebacks(self) -> list[str]:
        """Return Python's errors in any log."""
        return [
            f"{path.name}: {line[:300]}"
            for path in sorted(self.folder.glob("log-*"))
            for line in path.read_text(errors="replace").splitlines()
            if "Traceback" in line or '"traceback"' in line
        ]

    def _roll(self, release: Release) -> None:
        for number, program in enumerate(self._supervisors):
            time.sleep(_MIXED)
            self.restarts += 1
            if self.restarts % _KILL_EVERY == 0:
                self.kills += 1
                self.killed |= {*program.kill()}
            else:
                self._stop(program)
            self._supervisors[number] = self._supervisor(release)

    def _supervisor(self, release: Release) -> Program:
        """Start a supervisor and wait until all queues have its lease."""
        program = self._start(release, "tests.upgrade.app")
        eventually(lambda: self._has_leases(program.process.pid), _DRAIN, every=0.05)
        return program

    def _has_leases(self, pid: int) -> bool:
        with Redis.from_url(self.url, decode_responses=True) as client:
            instances = [client.zrange(Keys(PREFIX, name).instances, 0, -1) for name in QUEUES]
        return all(any(f"-{pid}-" in instance for instance in names) for names in instances)

    def _start(self, release: Release, module: str, *arguments: str) -> Program:
        environment = {
            **MINIMAL_ENV,
            "REDIS_URL": self.url,
            "KEY_PREFIX": PREFIX,
            "LEASE_SECONDS": "3",
            "LOG_LEVEL": "warning",
            "LOG_FORMAT": "json",
            "ALPHA_CONCURRENCY": "3",
            "BETA_CONCURRENCY": "2",
            "BETA_RATE_LIMIT": "60/1",
            **{f"{queue.upper()}_BACKOFF": "0.2" for queue in QUEUES},
            **{f"TRIAL_{name.upper()}": str(self._path(name)) for name in ("accepted", "record", "paid")},
            "TRIAL_FAILED": str(self.folder / "failed"),
        }
        log = self.folder / f"log-{release.name}-{module.rpartition('.')[2]}"
        return release.run(module, *arguments, environment=environment, log=log)

    def _stop(self, program: Program) -> None:
        if code := program.stop():
            self.codes.append(f"{program.release.name} exited with {code}")

    def _is_done(self) -> bool:
        with Redis.from_url(self.url, decode_responses=True) as client:
            return not any(Queue(name, client, PREFIX).counts().unfinished for name in QUEUES)

    def _path(self, name: str) -> Path:
        path = self.folder / name
        path.touch()
        return path
