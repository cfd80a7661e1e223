"""What jobs may cost, calculated before they are added or replayed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..config.prices import dollars
from ..store.reading.reader import QueueReader
from ..store.reading.spending import MeanCost, mean_cost
from .formatting import counted


@dataclass(frozen=True)
class MostCost:
    """The most that some jobs can cost. Amounts are nano-dollars.

    Args:
        once: if each request is made once.
        runs: how often a request can be paid for: each run of a job counts, also after its worker died.
        unbounded: jobs that are not in the sum, because of `reason`.
    """

    once: int
    runs: int
    unbounded: int = 0
    reason: str = ""

    @property
    def in_all(self) -> int:
        """The cost if every run of each job is paid for, and fails."""
        return self.once * self.runs

    def words(self) -> str:
        """Return the cost in words."""
        known = (
            f"at most {dollars(self.once)} if no request fails, {dollars(self.in_all)} if each is paid for "
            f"in every one of {self.runs} runs"
        )
        return f"{known}, and {self.unknown_words()}" if self.unbounded else known

    def unknown_words(self) -> str:
        """Return which costs are unknown, in words."""
        return f"an unknown amount for {counted(self.unbounded, 'job')} ({self.reason})"


#: Returns the most that jobs of the queue named can cost, from their data; None if its job type tells no
#: worst case.
Forecaster = Callable[[str, Sequence[Any]], MostCost | None]


@dataclass(frozen=True)
class CostForecast:
    """What some jobs of a queue may cost: as its jobs did so far, and at most; None for what isn't known."""

    queue: str
    jobs: int
    mean: MeanCost | None = None
    most: MostCost | None = None

    @classmethod
    def of(cls, queue: QueueReader, jobs: int, most: MostCost | None = None) -> CostForecast:
        """Return the forecast of `jobs` jobs, in which `most` is calculated from their data."""
        return cls(queue.name, jobs, mean_cost(queue) if jobs else None, most)

    @property
    def is_known(self) -> bool:
        """Whether anything is known about the cost."""
        return self.mean is not None or self._is_bounded

    @property
    def _is_bounded(self) -> bool:
        return self.most is not None and self.most.unbounded < self.jobs

    def words(self) -> str:
        """Return the forecast as a line of text."""
        what = f"{self.queue}: {counted(self.jobs, 'job')}"
        if not self.is_known:
            reason = f" ({self.most.reason})" if self.most and self.most.reason else ""
            return f"{what}, cost unknown{reason}"
        if self.most and not (self.most.once or self.most.unbounded):
            return f"{what}, no paid request"
        parts = []
        if self.mean is not None:
            parts.append(self._mean_words(self.mean))
        if self.most:
            parts.append(self.most.words() if self._is_bounded else self.most.unknown_words())
        return f"{what} may cost {'; '.join(parts)}"

    def _mean_words(self, mean: MeanCost) -> str:
        words = f"about {dollars(mean.nano * self.jobs)}, {dollars(mean.nano)} each as so far"
        if not mean.unpriced:
            return words
        return f"{words} without {mean.unpriced} of {counted(mean.calls, 'request')}, which have no price"

    def to_dict(self) -> dict[str, Any]:
        """Return the forecast as JSON types; amounts are nano-dollars."""
        most = self.most
        return {
            "queue": self.queue,
            "jobs": self.jobs,
            "meanNano": None if self.mean is None else self.mean.nano * self.jobs,
            "unpricedRequests": self.mean.unpriced if self.mean else None,
            "mostNano": most.once if most else None,
            "mostNanoOfAllRuns": most.in_all if most else None,
            "unboundedJobs": most.unbounded if most else self.jobs,
        }
