"""What there was to see of an outage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .table import Cell


@dataclass(frozen=True)
class Seen:
    """One cell, played. Times are UNIX times."""

    cell: Cell
    failed_at: float
    accepted: Sequence[str]
    #: By job: its state in the end.
    states: Mapping[str, str]
    #: By job: when each request that was paid for was made.
    paid: Mapping[str, Sequence[float]]
    #: Jobs completed while it failed.
    meanwhile: int
    #: Seconds from the service's return to the first completion; None if nothing was left to complete.
    first_completion: float | None
    #: Whether `queues`, `health` and `log` named the service.
    named: Mapping[str, bool]
    exit_codes: Sequence[int]
    #: Errors of dead jobs, what commands said that named nothing, tracebacks in the log: to find out why.
    remarks: Sequence[str] = field(default_factory=tuple)
