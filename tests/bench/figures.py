"""The figures of one system, and their row in the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from tests.support import report

from .measure import Throughput

HEADINGS = (
    "system",
    "jobs/s, 2 processes",
    "jobs/s, 10 processes",
    "ours is faster by",
    "CPU a job: workers + Redis, ms",
    "commands, reads a job",
    "added/s: one by one, in bulk",
    "idle: p50 / p99, ms",
    "MiB, 10 idle workers",
    "runs again after kill -9",
)


@dataclass
class Figures:
    """The figures of one system. Lists have a value for each repetition; an empty one was not measured, and
    `failure` says why."""

    name: str
    remark: str = ""
    failure: str = ""
    throughput: dict[int, list[Throughput]] = field(default_factory=dict)
    single: list[float] = field(default_factory=list)
    bulk: list[float] = field(default_factory=list)
    latency: list[float] = field(default_factory=list)
    #: MiB, idle and after many jobs.
    memory: tuple[float, float] | None = None
    #: Seconds, or why there is no figure.
    recovery: float | str | None = None

    def rate(self, processes: int) -> float | None:
        """Return the jobs per second: the median of the repetitions."""
        runs = self.throughput.get(processes)
        return median(run.rate for run in runs) if runs else None


def table(all_figures: Sequence[Figures], ours: Figures) -> str:
    rows = (report.row(_row(figures, ours)) for figures in all_figures)
    return "\n".join([report.heading(HEADINGS), *rows])


def _row(figures: Figures, ours: Figures) -> list[str]:
    name = f"{figures.name} ({figures.remark})" if figures.remark else figures.name
    if figures.failure:
        name += f": {' '.join(figures.failure.split())[:200]}"
    runs = figures.throughput.get(10) or figures.throughput.get(2) or []
    return [
        name,
        spread([run.rate for run in figures.throughput.get(2, [])]),
        spread([run.rate for run in figures.throughput.get(10, [])]),
        ratio(ours.rate(10), figures.rate(10)),
        joined(
            " + ", [_median(".3f", [run.client for run in runs]), _median(".3f", [run.redis for run in runs])]
        ),
        joined(
            ", ",
            [_median(".1f", [run.commands for run in runs]), _median(".1f", [run.reads for run in runs])],
        ),
        joined(", ", [_median(",.0f", figures.single), _median(",.0f", figures.bulk)]),
        percentiles(figures.latency),
        " / ".join(f"{size:.0f}" for size in figures.memory or ()),
        f"{figures.recovery:.2f} s" if isinstance(figures.recovery, float) else figures.recovery or "",
    ]


def spread(values: Sequence[float]) -> str:
    """Format the median, the minimum and the maximum."""
    if not values:
        return ""
    middle = f"{median(values):,.0f}"
    return middle if len(values) == 1 else f"{middle} ({min(values):,.0f}–{max(values):,.0f})"


def ratio(ours: float | None, theirs: float | None) -> str:
    """Format how many times as fast preppath-workers is."""
    return f"{ours / theirs:.2f} ×" if ours and theirs else ""


def percentiles(values: Sequence[float]) -> str:
    if len(values) < 2:
        return ""
    p50, p99 = report.p50_p99(values)
    return f"{p50:.2f} / {p99:.2f}"


def joined(between: str, parts: Sequence[str]) -> str:
    return between.join(filter(None, parts))


def _median(form: str, values: Sequence[float]) -> str:
    return format(median(values), form) if values else ""


def as_json(figures: Figures) -> Mapping[str, Any]:
    """Return all figures, for other programs."""
    known = {name: value for name, value in vars(figures).items() if name != "throughput"}
    runs = {str(processes): [vars(run) for run in runs] for processes, runs in figures.throughput.items()}
    return {**known, "throughput": runs}
