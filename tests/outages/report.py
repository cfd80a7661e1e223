"""The tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.support import report

from .table import FAILURES, SERVICES
from .verdict import Median, Row

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
    """A cell's line, and what there is to say about it."""
    seen = row.seen
    line = report.row(
        [
            seen.cell.service,
            seen.cell.failure,
            f"{seen.cell.length:g}",
            str(row.dead),
            str(row.lost),
            str(row.paid_twice),
            _seconds(seen.first_completion),
            *("named" if seen.named[name] else "-" for name in ("queues", "health", "log")),
            f"SHORT: {'; '.join(row.shortcomings)}" if row.shortcomings else "held",
        ]
    )
    return "\n".join([line, *(f"  {remark[:300]}" for remark in seen.remarks if row.shortcomings)])


def summary(rows: Sequence[Row], waits: Sequence[Median]) -> Iterator[str]:
    """Seconds to the first completion by failure and service, and their medians."""
    yield ""
    yield report.heading(["failure", *SERVICES])
    for failure in dict.fromkeys(failure for service in SERVICES for failure in FAILURES[service]):
        cells = [
            " · ".join(
                f"{_seconds(row.seen.first_completion)}{' SHORT' if row.shortcomings else ''}"
                for row in sorted(rows, key=lambda row: row.seen.cell.length)
                if (row.seen.cell.service, row.seen.cell.failure) == (service, failure)
            )
            for service in SERVICES
        ]
        if any(cells):
            yield report.row([failure, *(cell or "—" for cell in cells)])
    yield ""
    for wait in waits:
        kind = "long" if wait.is_long else "short"
        said = "held" if wait.holds else "SHORT"
        yield (
            f"{wait.service}, {kind} outages: first completion after {wait.seconds:.1f} s in the median, "
            f"{wait.limit:g} s allowed: {said}"
        )
    short = sum(bool(row.shortcomings) for row in rows)
    yield f"{len(rows)} cells, {short} fell short"


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.1f} s"
