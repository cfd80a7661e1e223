"""Which service fails how, and for how long."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

Service = Literal["openai", "s3", "postgresql", "redis"]

Failure = Literal[
    "refused",
    "reset",
    "stalled",
    "5xx",
    "wrong key",
    "read-only",
    "out of memory",
    "disk full",
    "clock back",
    "clock forward",
]

SERVICES: Sequence[Service] = ("openai", "s3", "postgresql", "redis")

_ANYWHERE: Sequence[Failure] = ("refused", "reset", "stalled", "5xx", "wrong key")

#: How each service can fail. What is missing has no meaning there: OpenAI shows nothing of its disks, S3 and
#: PostgreSQL give no times that jobs depend on, but S3 refuses requests signed by a wrong clock.
FAILURES: dict[Service, Sequence[Failure]] = {
    "openai": _ANYWHERE,
    "s3": (*_ANYWHERE, "read-only", "disk full", "clock back"),
    "postgresql": (*_ANYWHERE, "read-only", "out of memory", "disk full"),
    "redis": (*_ANYWHERE, "read-only", "out of memory", "disk full", "clock back", "clock forward"),
}

#: Seconds.
SHORT, LONG = 2.0, 40.0

#: What `--quick` takes for a long outage, seconds.
_QUICK_LONG = 10.0

#: Jobs of a cell.
JOBS = 60


@dataclass(frozen=True)
class Cell:
    """One outage. `length` in seconds."""

    service: Service
    failure: Failure
    length: float
    jobs: int = JOBS

    def __str__(self) -> str:
        return f"{self.service}/{self.failure}/{self.length:g}"

    @property
    def queue(self) -> Literal["tts", "evaluation"]:
        """The queue whose jobs need the service."""
        return "tts" if self.service == "s3" else "evaluation"

    @property
    def instances(self) -> int:
        """Supervisors that share the queue. An outage of Redis must not make one take the other's jobs."""
        return 2 if self.service == "redis" else 1

    @property
    def is_long(self) -> bool:
        return self.length > SHORT

    @property
    def stops_nothing(self) -> bool:
        """Whether jobs must go on meanwhile: Redis works as before, only its clock has stepped."""
        return self.service == "redis" and self.failure in ("clock back", "clock forward")

    @property
    def must_be_named(self) -> bool:
        """Whether `queues`, `health` and the log must name the service meanwhile. A short outage may be over
        before anything has failed for good, and a stalled server is found out by a timeout of 30 s."""
        return self.is_long and not self.stops_nothing and (self.failure != "stalled" or self.length >= LONG)

    @property
    def cuts_answers(self) -> bool:
        """Whether paid answers that were on their way when the failure began are lost with it."""
        return self.service == "openai" and self.failure in ("refused", "reset", "stalled")


def full() -> Iterator[Cell]:
    """Every cell, long ones first: they share the machine evenly so."""
    for length in (LONG, SHORT):
        for service in SERVICES:
            for failure in FAILURES[service]:
                yield Cell(service, failure, length)


_QUICK: Sequence[tuple[Service, Failure, float]] = (
    ("openai", "5xx", _QUICK_LONG),
    ("s3", "stalled", _QUICK_LONG),
    ("postgresql", "refused", _QUICK_LONG),
    ("redis", "read-only", _QUICK_LONG),
    ("openai", "wrong key", SHORT),
    ("openai", "reset", SHORT),
    ("s3", "5xx", SHORT),
    ("postgresql", "stalled", SHORT),
    ("postgresql", "disk full", SHORT),
    ("redis", "out of memory", SHORT),
)


def quick() -> Iterator[Cell]:
    """One cell or more of every service and of most kinds of failure."""
    return (Cell(service, failure, length) for service, failure, length in _QUICK)
