"""What there was to see of a soak."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from preppath_workers import NewJob

from .plan import Plan, Trouble
from .record import Record


@dataclass(frozen=True)
class Happened:
    """A trouble: when it began and was done (s, monotonic), the processes that it killed or kept from
    working, and, where it was one supervisor's alone, that one's number and prefix."""

    trouble: Trouble
    at: float
    until: float
    pids: Sequence[int] = ()
    number: int | None = None
    prefix: str = ""


@dataclass(frozen=True)
class Fate:
    """What Redis says of a job in the end. `expires`: its hash goes by itself."""

    state: str
    reason: str = ""
    recoveries: int = 0
    expires: bool = False


@dataclass(frozen=True)
class Observations:
    """Everything that the verdict is about. Jobs by prefix."""

    plan: Plan
    #: When the first try to add each accepted job began (s, monotonic).
    accepted: Mapping[str, Mapping[str, tuple[NewJob, float]]]
    happened: Sequence[Happened]
    records: Mapping[str, Record]
    fates: Mapping[str, Mapping[str, Fate]]
    #: Keys beside those of a queue that nobody works on, jobs that the audit complains of, and so on.
    leaks: Mapping[str, Sequence[str]]
    #: Instances that others took for dead, and that we had neither killed nor stopped.
    presumed_dead: Sequence[str]
    exit_codes: Sequence[int]
    seconds: float

    def strikes(self, prefix: str) -> Iterator[Happened]:
        """The troubles that took processes of this prefix."""
        return (happened for happened in self.happened if happened.pids and happened.prefix == prefix)

    def count(self, trouble: Trouble) -> int:
        return sum(happened.trouble == trouble for happened in self.happened)
