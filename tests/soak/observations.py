"""What was observed in a soak."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from preppath_workers import NewJob

from .plan import Plan, Trouble
from .record import Record


@dataclass(frozen=True)
class Happened:
    """A trouble: when it began and ended (s, monotonic), the processes that it killed or suspended, and the
    number and prefix of the supervisor, if it hit only one."""

    trouble: Trouble
    at: float
    until: float
    pids: Sequence[int] = ()
    number: int | None = None
    prefix: str = ""


@dataclass(frozen=True)
class Fate:
    """What Redis holds of a job at the end. `expires`: its hash has a time to live. `excused`: failures that
    did not count, such as those of all jobs in a row."""

    state: str
    reason: str = ""
    recoveries: int = 0
    expires: bool = False
    excused: int = 0


@dataclass(frozen=True)
class Observations:
    """Everything that the invariants are checked against. Jobs are by prefix."""

    plan: Plan
    #: When the first request to add each accepted job began (s, monotonic).
    accepted: Mapping[str, Mapping[str, tuple[NewJob, float]]]
    happened: Sequence[Happened]
    records: Mapping[str, Record]
    fates: Mapping[str, Mapping[str, Fate]]
    #: Keys beyond those of a queue without workers, misplaced jobs, and so on.
    leaks: Mapping[str, Sequence[str]]
    #: Instances that others presumed dead although they were neither killed nor suspended.
    presumed_dead: Sequence[str]
    exit_codes: Sequence[int]
    seconds: float

    def hits(self, prefix: str) -> Iterator[Happened]:
        """Return the troubles that hit processes of this prefix."""
        return (happened for happened in self.happened if happened.pids and happened.prefix == prefix)

    def count(self, trouble: Trouble) -> int:
        return sum(happened.trouble == trouble for happened in self.happened)
