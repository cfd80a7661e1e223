"""How long jobs wait and run: histograms that the settling scripts keep in Redis, for all machines."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from time import monotonic

#: The upper ends of the buckets, seconds: speech takes up to minutes, waits may be longer. The last bucket,
#: `inf`, has no end.
BOUNDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600)

#: How attempts end that are counted; one that was given back uncounted isn't.
OUTCOMES = ("completed", "failed")

#: Seconds between two additions to the sums.
_SUMS_INTERVAL = 1.0

_ENDS_MS = [round(bound * 1000) for bound in BOUNDS]
_NAMES = [*(f"{bound:g}" for bound in BOUNDS), "inf"]
#: The field for each pair of buckets. One field counts both, because each increment costs every job.
_FIELDS = {
    outcome: [[f"{outcome}:{wait}:{run}" for run in _NAMES] for wait in _NAMES] for outcome in OUTCOMES
}


class AttemptTimes:
    """How long the attempts of one worker waited and ran, as its settlements report it.

    Each attempt is counted at once. The sums are sent once a second, because each increment costs every job.
    So if a worker is killed, only the sums of its last second are lost.
    """

    def __init__(self) -> None:
        self._unsent = dict.fromkeys(OUTCOMES, (0, 0))
        self._send_at = dict.fromkeys(OUTCOMES, 0.0)

    def words(self, outcome: str, wait_ms: int, run_ms: int) -> tuple[str, ...]:
        """Return the last arguments of the script that settles the attempt. Call it once an attempt."""
        field = _FIELDS[outcome][bisect_left(_ENDS_MS, wait_ms)][bisect_left(_ENDS_MS, run_ms)]
        waited, ran = self._unsent[outcome]
        self._unsent[outcome] = sums = waited + wait_ms, ran + run_ms
        if (now := monotonic()) < self._send_at[outcome]:
            return (field,)
        self._send_at[outcome], self._unsent[outcome] = now + _SUMS_INTERVAL, (0, 0)
        return field, str(sums[0]), str(sums[1])


@dataclass(frozen=True)
class Histogram:
    """Attempts by how long something took."""

    #: Attempts in each bucket of BOUNDS; the last one has no end.
    counts: tuple[int, ...]
    #: Of all of them, seconds.
    total: float = 0.0

    @property
    def count(self) -> int:
        """Attempts in all buckets."""
        return sum(self.counts)

    def cumulative(self) -> list[tuple[str, int]]:
        """Return each bucket's upper end, as Prometheus writes it, and the attempts up to it."""
        return list(zip([*_NAMES[:-1], "+Inf"], accumulate(self.counts), strict=True))

    def minus(self, earlier: Histogram) -> Histogram:
        """Return what was counted since then."""
        counts = tuple(max(0, now - then) for now, then in zip(self.counts, earlier.counts, strict=True))
        return Histogram(counts, max(0.0, self.total - earlier.total))

    def quantile(self, share: float) -> float | None:
        """Return the time (s) that this share of attempts did not exceed, estimated within its bucket as
        Prometheus does; None without attempts. Beyond the last end it is that end."""
        wanted, below, lower = share * self.count, 0, 0.0
        if not self.count:
            return None
        for upper, count in zip(BOUNDS, self.counts, strict=False):
            if count and below + count >= wanted:
                return lower + (upper - lower) * (wanted - below) / count
            below, lower = below + count, upper
        return BOUNDS[-1]


def histogram_of(counts: Mapping[str, int]) -> Histogram:
    """Return the histogram with these counts by the names of the buckets."""
    return Histogram(tuple(counts.get(name, 0) for name in _NAMES))


@dataclass(frozen=True)
class Durations:
    """How long the attempts of one outcome waited and ran."""

    wait: Histogram
    run: Histogram


def read_durations(fields: Mapping[str, str]) -> Mapping[str, Durations]:
    """Return the durations by outcome, from the fields of the hash `durations`."""
    found = {}
    for outcome in OUTCOMES:
        numbers = [[_number(fields.get(field)) for field in row] for row in _FIELDS[outcome]]
        waited, ran = (_number(fields.get(f"{outcome}:{name}")) / 1000 for name in ("waitMs", "runMs"))
        found[outcome] = Durations(
            Histogram(tuple(map(sum, numbers)), waited),
            Histogram(tuple(map(sum, zip(*numbers, strict=True))), ran),
        )
    return found


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() else 0
