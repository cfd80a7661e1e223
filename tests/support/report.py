"""Markdown tables and percentiles, for the measuring tools in `tests`."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import quantiles


def heading(names: Sequence[str]) -> str:
    """The first two lines of a table."""
    return f"{row(names)}\n{'|---' * len(names)}|"


def row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def p50_p99(values: Sequence[float]) -> tuple[float, float]:
    """The percentiles of at least two values."""
    cuts = quantiles(values, n=100, method="inclusive")
    return cuts[49], cuts[98]
