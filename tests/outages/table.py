"""Which service fails, how, and for how long."""

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

#: How each service can fail. The others do not apply: OpenAI does not report on its disks, and jobs do not
#: depend on the clocks of S3 and PostgreSQL, except that S3 refuses requests signed with a wrong time.
FAILURES: dict[Service, Sequence[Failure]] = {
    "openai": _ANYWHERE,
    "s3": (*_ANYWHERE, "read-only", "disk full", "clock back"),
    "postgresql": (*_ANYWHERE, "read-only", "out of memory", "disk full"),
    "redis": (*_ANYWHERE, "read-only", "out of memory", "disk full", "clock back", "clock forward"),
}

#: Seconds.
SHORT, LONG = 2.0, 40.0

#: Seconds of a long outage with `--quick`.
_QUICK_LONG = 10.0

#: Jobs of a case.
JOBS = 60


@dataclass(frozen=True)
class Case:
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
        """How many supervisors share the queue: two if Redis fails, since neither may then take the other's
        jobs."""
        return 2 if self.service == "redis" else 1

    @property
    def is_long(self) -> bool:
        return self.length > SHORT

    @property
    def stops_nothing(self) -> bool:
        """Whether jobs must go on completing: Redis works as before, only its clock has jumped."""
        return self.service == "redis" and self.failure in ("clock back", "clock forward")

    @property
    def must_be_named(self) -> bool:
        """Whether `queues`, `health` and the log must name the service during the outage. A short one may be
        over before a job has failed, and a stalled server is only noticed by a timeout of 30 s."""
        return self.is_long and not self.stops_nothing and (self.failure != "stalled" or self.length >= LONG)

    @property
    def cuts_answers(self) -> bool:
        """Whether answers that were on their way when the outage began are lost: they may have been paid
        for."""
        return self.service == "openai" and self.failure in ("refused", "reset", "stalled")


def full() -> Iterator[Case]:
    """Yield every case, long ones first, so that parallel cases end at about the same time."""
    for length in (LONG, SHORT):
        for service in SERVICES:
            for failure in FAILURES[service]:
                yield Case(service, failure, length)


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


def quick() -> Iterator[Case]:
    """Yield some cases: at least one of every service, and most kinds of failure."""
    return (Case(service, failure, length) for service, failure, length in _QUICK)
