"""What handlers wrote down: the truth about the jobs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Start:
    """A run's beginning, at so many seconds of the monotonic clock."""

    pid: int
    at: float


@dataclass(frozen=True)
class Record:
    """Of each job its starts, in order, and how often it came to its end."""

    starts: Mapping[str, Sequence[Start]]
    ends: Mapping[str, int]

    @classmethod
    def read(cls, path: Path) -> Record:
        starts: dict[str, list[Start]] = defaultdict(list)
        ends: dict[str, int] = defaultdict(int)
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
            what, job_id, pid, at = line.split()
            if what == "start":
                starts[job_id].append(Start(int(pid), float(at)))
            else:
                ends[job_id] += 1
        return cls(starts, ends)

    def next_start(self, job_id: str, after: float) -> float | None:
        return min((start.at for start in self.starts.get(job_id, ()) if start.at > after), default=None)
