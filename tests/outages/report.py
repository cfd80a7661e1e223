"""The tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.support import report

from .invariants import Median, Row
from .table import FAILURES, SERVICES

_HEADINGS = (
    "service",
    "failure",
    "seconds",
    "dead",
    "lost",
    "paid twice",
    "first completion",
    "queues",
    "health",
    "log",
    "",
)


def heading() -> str:
    return report.heading(_HEADINGS)


def row(row: Row) -> str:
    """Return the line of a case, followed by remarks if it fell short."""
    observations = row.observations
    line = report.row(
        [
            observations.case.service,
            observations.case.failure,
            f"{observations.case.length:g}",
            str(row.dead),
            str(row.lost),
            str(row.paid_twice),
            _seconds(observations.first_completion),
            *("named" if observations.named[name] else "-" for name in ("queues", "health", "log")),
            f"SHORT: {'; '.join(row.shortcomings)}" if row.shortcomings else "held",
        ]
    )
    return "\n".join([line, *(f"  {remark[:300]}" for remark in observations.remarks if row.shortcomings)])


def summary(rows: Sequence[Row], waits: Sequence[Median]) -> Iterator[str]:
    """Yield the seconds to the first completion by failure and service, and their medians."""
    yield ""
    yield report.heading(["failure", *SERVICES])
    for failure in dict.fromkeys(failure for service in SERVICES for failure in FAILURES[service]):
        cases = [
            " · ".join(
                f"{_seconds(row.observations.first_completion)}{' SHORT' if row.shortcomings else ''}"
                for row in sorted(rows, key=lambda row: row.observations.case.length)
                if (row.observations.case.service, row.observations.case.failure) == (service, failure)
            )
            for service in SERVICES
        ]
        if any(cases):
            yield report.row([failure, *(case or "—" for case in cases)])
    yield ""
    for wait in waits:
        kind = "long" if wait.is_long else "short"
        said = "held" if wait.holds else "SHORT"
        yield (
            f"{wait.service}, {kind} outages: first completion after {wait.seconds:.1f} s in the median, "
            f"{wait.limit:g} s allowed: {said}"
        )
    short = sum(bool(row.shortcomings) for row in rows)
    yield f"{len(rows)} cases, {short} fell short"


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.1f} s"
