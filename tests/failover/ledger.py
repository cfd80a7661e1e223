"""What the producer and the handlers wrote down, and what it says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

#: Seconds before a failover in which a run's end may be lost with it: replicas on loopback have everything
#: within milliseconds, a machine that is short of CPU is slower.
IN_FLIGHT = 1.0


@dataclass(frozen=True)
class Ledger:
    """Times are seconds of the monotonic clock; `notes` are those of each job, `(what, when)`, in order. The
    log says of `unconfirmed` jobs that replicas did not confirm their checkpoint."""

    accepted: Mapping[str, float]
    notes: Mapping[str, Sequence[tuple[str, float]]]
    unconfirmed: frozenset[str] = frozenset()

    @classmethod
    def read(cls, accepted: Path, record: Path, unconfirmed: frozenset[str]) -> Ledger:
        notes: dict[str, list[tuple[str, float]]] = defaultdict(list)
        for what, job_id, _, at in map(str.split, _lines(record)):
            notes[job_id].append((what, float(at)))
        jobs = {job_id: float(at) for job_id, at in map(str.split, _lines(accepted))}
        ordered = {job_id: sorted(found, key=lambda note: note[1]) for job_id, found in notes.items()}
        return cls(jobs, ordered, unconfirmed)

    def times(self, job_id: str, what: str) -> list[float]:
        return [at for noted, at in self.notes.get(job_id, ()) if noted == what]

    def completed(self) -> list[str]:
        return [job_id for job_id in self.accepted if self.times(job_id, "end")]

    def lost(self) -> list[str]:
        return [job_id for job_id in self.accepted if not self.times(job_id, "end")]

    def run_twice(self) -> list[str]:
        return [job_id for job_id in self.notes if len(self.times(job_id, "start")) > 1]

    def paid_twice(self) -> list[str]:
        return [job_id for job_id in self.notes if len(self.times(job_id, "paid")) > 1]

    def paid_again(self) -> list[str]:
        """Jobs that paid again although the first payment had been kept, and confirmed if that was wanted."""
        return [
            job_id
            for job_id in self.paid_twice()
            if job_id not in self.unconfirmed
            and (kept := self.times(job_id, "kept"))
            and kept[0] < self.times(job_id, "paid")[-1]
        ]

    def unexplained(self, failovers: Sequence[float], in_flight: float = IN_FLIGHT) -> list[str]:
        """Jobs that ran again although the earlier run had ended long before any failover."""
        return [job_id for job_id in self.run_twice() if any(self._again(job_id, failovers, in_flight))]

    def _again(self, job_id: str, failovers: Sequence[float], in_flight: float) -> Iterator[bool]:
        ends = self.times(job_id, "end")
        for first, second in pairwise(self.times(job_id, "start")):
            ended = next((end for end in ends if first < end < second), second)
            yield not any(at - in_flight < ended and at < second for at in failovers)

    def longest_pause(self, begin: float, end: float, queue: str = "") -> float:
        """Seconds in which no job of the queue started, at most, between two times."""
        starts = sorted(
            at
            for job_id in self.notes
            if job_id.startswith(queue)
            for at in self.times(job_id, "start")
            if begin <= at <= end
        )
        return max((later - earlier for earlier, later in pairwise([begin, *starts, end])), default=0.0)


def _lines(path: Path) -> list[str]:
    """Whole lines: the process that wrote the last one may have been killed."""
    text = path.read_text(encoding="ascii") if path.exists() else ""
    return text[: text.rfind("\n") + 1].splitlines()
