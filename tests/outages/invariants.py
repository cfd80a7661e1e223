"""The invariants of a case, checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from .environment import LATENCY
from .observations import Observations
from .table import SERVICES, Service

#: Most seconds from a service's return to the first completion, in the median: after short and long outages.
LIMITS: Mapping[bool, float] = {False: 5.0, True: 30.0}

#: Most seconds that a paid call takes on a busy machine.
_CALL = LATENCY + 1.5


@dataclass(frozen=True)
class Row:
    """The figures of a case."""

    observations: Observations
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
        if (
            self.observations.case.stops_nothing
            and self.observations.case.is_long
            and not self.observations.meanwhile
        ):
            yield "stood still"
        if self.observations.case.must_be_named:
            silent = [name for name, named in self.observations.named.items() if not named]
            if silent:
                yield f"not named by {', '.join(silent)}"
        if any(self.observations.exit_codes):
            yield f"exit codes {', '.join(map(str, self.observations.exit_codes))}"


@dataclass(frozen=True)
class Median:
    """When the first job completed after a service's return: the median of its short or its long cases."""

    service: Service
    is_long: bool
    seconds: float

    @property
    def limit(self) -> float:
        return LIMITS[self.is_long]

    @property
    def holds(self) -> bool:
        return self.seconds <= self.limit


def judge(observations: Observations) -> Row:
    states = [observations.states.get(job_id) for job_id in observations.accepted]
    dead = states.count("failed")
    unaccepted = observations.case.jobs - len(observations.accepted)
    return Row(
        observations,
        dead,
        lost=len(states) - dead - states.count("completed") + unaccepted,
        paid_twice=sum(_paid_twice(observations, calls) for calls in observations.paid.values()),
    )


def medians(rows: Sequence[Row]) -> list[Median]:
    """Return the medians of each service and length that was played."""
    found = []
    for service in SERVICES:
        for is_long in (False, True):
            seconds = [
                row.observations.first_completion
                for row in rows
                if row.observations.first_completion is not None
                and (row.observations.case.service, row.observations.case.is_long) == (service, is_long)
            ]
            if seconds:
                found.append(Median(service, is_long, median(seconds)))
    return found


def _paid_twice(observations: Observations, calls: Sequence[float]) -> int:
    """Return a job's paid calls beyond the first; one whose answer the failure cut off isn't counted."""
    excused = observations.case.cuts_answers and any(
        0 <= observations.failed_at - at <= _CALL for at in calls
    )
    return max(0, len(calls) - 1 - excused)
