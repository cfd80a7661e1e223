"""What was observed in an outage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .table import Case


@dataclass(frozen=True)
class Observations:
    """What was observed in one case. Times are UNIX times."""

    case: Case
    failed_at: float
    accepted: Sequence[str]
    #: By job: its final state.
    states: Mapping[str, str]
    #: By job: when each of its paid requests was made.
    paid: Mapping[str, Sequence[float]]
    #: Jobs that completed during the outage.
    meanwhile: int
    #: Seconds from the service's return to the first completion; None if no job was left.
    first_completion: float | None
    #: Whether `queues`, `health` and `log` named the service.
    named: Mapping[str, bool]
    exit_codes: Sequence[int]
    #: For diagnosis: errors of dead jobs, output of commands that did not name the service, tracebacks of the
    #: log.
    remarks: Sequence[str] = field(default_factory=tuple)
