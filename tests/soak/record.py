"""What handlers noted: each run of each job."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from operator import attrgetter
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Run:
    """One run of a job by one process; times are seconds of the monotonic clock. `ended` is None if the
    handler did not reach its last line."""

    job_id: str
    pid: int
    began: float
    ended: float | None = None
    failed: bool = False


@dataclass(frozen=True)
class Record:
    """All runs, ordered by their start."""

    runs: Sequence[Run]

    @classmethod
    def read(cls, path: Path) -> Record:
        return cls.parse(path.read_text(encoding="utf-8").splitlines() if path.exists() else ())

    @classmethod
    def parse(cls, lines: Iterable[str]) -> Record:
        """Parse lines of `<start, end or fail> <job> <pid> <time>`. An end belongs to the process's last
        start of that job."""
        runs: list[Run] = []
        running: dict[tuple[str, str], int] = {}
        for what, job_id, pid, at in map(str.split, lines):
            if what == "start":
                running[job_id, pid] = len(runs)
                runs.append(Run(job_id, int(pid), float(at)))
            else:
                number = running.pop((job_id, pid))
                runs[number] = replace(runs[number], ended=float(at), failed=what == "fail")
        return cls(sorted(runs, key=attrgetter("began")))

    @cached_property
    def by_job(self) -> Mapping[str, Sequence[Run]]:
        return _grouped(self.runs, "job_id")

    @cached_property
    def by_pid(self) -> Mapping[int, Sequence[Run]]:
        return _grouped(self.runs, "pid")

    def has_ended(self, job_id: str) -> bool:
        """Return whether a run of the job ended without an error."""
        return any(run.ended and not run.failed for run in self.by_job.get(job_id, ()))

    @property
    def ended_jobs(self) -> int:
        """How many jobs ended without an error."""
        return sum(map(self.has_ended, self.by_job))

    def next_run(self, job_id: str, after: float) -> Run | None:
        return next((run for run in self.by_job.get(job_id, ()) if run.began > after), None)


def _grouped(runs: Iterable[Run], name: str) -> dict[Any, list[Run]]:
    groups: dict[Any, list[Run]] = defaultdict(list)
    for run in runs:
        groups[getattr(run, name)].append(run)
    return dict(groups)
