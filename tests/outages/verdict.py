"""The invariants, compared with what was seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from .seen import Seen
from .stage import LATENCY
from .table import SERVICES, Service

#: Seconds from a service's return to the first completion, in the median, after short outages and long ones.
LIMITS: Mapping[bool, float] = {False: 5.0, True: 30.0}

#: Seconds that a paid call may take at most on a machine with other things to do.
_CALL = LATENCY + 1.5


@dataclass(frozen=True)
class Row:
    """A cell's figures."""

    seen: Seen
    dead: int
    lost: int
    paid_twice: int

    @property
    def shortcomings(self) -> list[str]:
        return [*self._shortcomings()]

    def _shortcomings(self) -> Iterator[str]:
        if self.dead:
            yield f"{self.dead} dead"
        if self.lost:
            yield f"{self.lost} lost"
        if self.paid_twice:
            yield f"{self.paid_twice} paid twice"
        if self.seen.cell.stops_nothing and self.seen.cell.is_long and not self.seen.meanwhile:
            yield "stood still"
        if self.seen.cell.must_be_named:
            silent = [name for name, named in self.seen.named.items() if not named]
            if silent:
                yield f"not named by {', '.join(silent)}"
        if any(self.seen.exit_codes):
            yield f"exit codes {', '.join(map(str, self.seen.exit_codes))}"


@dataclass(frozen=True)
class Median:
    """How soon a service's jobs went on, over its cells of one length."""

    service: Service
    is_long: bool
    seconds: float

    @property
    def limit(self) -> float:
        return LIMITS[self.is_long]

    @property
    def holds(self) -> bool:
        return self.seconds <= self.limit


def judge(seen: Seen) -> Row:
    states = [seen.states.get(job_id) for job_id in seen.accepted]
    dead = states.count("failed")
    unaccepted = seen.cell.jobs - len(seen.accepted)
    return Row(
        seen,
        dead,
        lost=len(states) - dead - states.count("completed") + unaccepted,
        paid_twice=sum(_paid_twice(seen, calls) for calls in seen.paid.values()),
    )


def medians(rows: Sequence[Row]) -> list[Median]:
    """Of every service and length that was played."""
    found = []
    for service in SERVICES:
        for is_long in (False, True):
            seconds = [
                row.seen.first_completion
                for row in rows
                if row.seen.first_completion is not None
                and (row.seen.cell.service, row.seen.cell.is_long) == (service, is_long)
            ]
            if seconds:
                found.append(Median(service, is_long, median(seconds)))
    return found


def _paid_twice(seen: Seen, calls: Sequence[float]) -> int:
    """Calls of one job beyond the first, but for one whose answer the failure cut off."""
    excused = seen.cell.cuts_answers and any(0 <= seen.failed_at - at <= _CALL for at in calls)
    return max(0, len(calls) - 1 - excused)
