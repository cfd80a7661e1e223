"""The last hour of a queue as a small bar chart: numbers for the template, which draws it as SVG."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ...store.reading.history import Minute

#: Minutes that it shows.
MINUTES = 60
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
    """What the template draws."""

    bars: Sequence[Bar]
    rows: Sequence[Row]
    completed: int
    failed: int
    most: int

    @property
    def title(self) -> str:
        """The chart in words."""
        return (
            f"{self.completed:,} completed and {self.failed:,} dead in the last hour; "
            f"at most {self.most:,} in one minute"
        )


def chart(minutes: Sequence[Minute], now: int) -> Chart:
    """Return the chart of the hour before `now` (ms): minutes may be missing."""
    this_minute = now // 60_000
    by_age = {this_minute - minute.at // 60_000: minute for minute in minutes}
    by_age = {age: minute for age, minute in by_age.items() if 0 < age <= MINUTES}
    most = max((minute.completed + minute.failed for minute in by_age.values()), default=0)
    scale = HEIGHT / most if most else 0.0
    bars = [
        Bar((MINUTES - age) * WIDTH, _height(minute.completed, scale), _height(minute.failed, scale))
        for age, minute in by_age.items()
        if minute.completed or minute.failed
    ]
    rows = [
        Row(first + _ROW - 1, first, *_sums(by_age.get(age) for age in range(first, first + _ROW)))
        for first in range(1, MINUTES, _ROW)
    ]
    return Chart(bars, rows, *_sums(by_age.values()), most)


def _sums(minutes: Iterable[Minute | None]) -> tuple[int, int]:
    """Return how many jobs completed and died in these minutes."""
    known = [minute for minute in minutes if minute]
    return sum(minute.completed for minute in known), sum(minute.failed for minute in known)


def _height(jobs: int, scale: float) -> float:
    """Return a bar's height; one job among thousands is still visible."""
    return round(max(3.0, jobs * scale), 1) if jobs else 0.0
