"""The last hour of a queue as a small bar chart: numbers for the template, which draws it as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .history import MINUTES, Minute

#: The chart's height, in its own units; a minute is 10 wide.
HEIGHT, WIDTH = 100, 10
#: Minutes of one row in the table that says the same.
_ROW = 10


@dataclass(frozen=True)
class Bar:
    """One minute: left edge and heights."""

    x: int
    completed: float
    failed: float


@dataclass(frozen=True)
class Row:
    """Some minutes of the table: their first and last one by how long ago it was."""

    since: int
    until: int
    completed: int
    failed: int


@dataclass(frozen=True)
class Chart:
    """What the template draws. `known`: minutes since sampling began, at most 60."""

    bars: Sequence[Bar]
    rows: Sequence[Row]
    completed: int
    failed: int
    most: int
    known: int

    @property
    def title(self) -> str:
        """The chart in words."""
        return (
            f"{self.completed:,} completed and {self.failed:,} dead in the last {self.known} min; "
            f"at most {self.most:,} in one minute"
        )


def chart(minutes: Sequence[Minute]) -> Chart:
    """Return the chart of these minutes, oldest first."""
    most = max((minute.completed + minute.failed for minute in minutes), default=0)
    scale = HEIGHT / most if most else 0.0
    offset = MINUTES - len(minutes)
    bars = [
        Bar((offset + index) * WIDTH, _height(minute.completed, scale), _height(minute.failed, scale))
        for index, minute in enumerate(minutes)
        if minute.completed or minute.failed
    ]
    newest_first = list(reversed(minutes))
    rows = [
        Row(
            first + _ROW,
            first,
            sum(minute.completed for minute in newest_first[first : first + _ROW]),
            sum(minute.failed for minute in newest_first[first : first + _ROW]),
        )
        for first in range(0, len(newest_first), _ROW)
    ]
    return Chart(
        bars,
        rows,
        sum(minute.completed for minute in minutes),
        sum(minute.failed for minute in minutes),
        most,
        len(minutes),
    )


def _height(jobs: int, scale: float) -> float:
    """Return a bar's height; one job among thousands is still seen."""
    return round(max(3.0, jobs * scale), 1) if jobs else 0.0
