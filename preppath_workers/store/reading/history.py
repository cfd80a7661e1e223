"""A queue's last hours, minute by minute: what a small chart shows.

Each minute the first janitor that comes stores the queue's counters. So the history is the same for all
machines, survives restarts and costs jobs nothing. While no instance is running, minutes are missing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ..durations import Histogram, histogram_of
from ..values import text
from .reader import QueueReader

#: Minutes that are kept.
KEPT = 120


@dataclass(frozen=True)
class Minute:
    """What happened in a queue in one minute."""

    #: When it began, ms since the epoch.
    at: int
    completed: int
    #: Jobs that went to the dead-letter list.
    failed: int
    retried: int
    #: Jobs in `wait` at its end.
    waiting: int


@dataclass(frozen=True)
class History:
    """The last minutes of a queue, oldest first, and how long the jobs completed in them waited and ran:
    `run.quantile(0.95)` is in seconds, None without jobs."""

    minutes: Sequence[Minute]
    wait: Histogram
    run: Histogram


def read_history(queue: QueueReader, minutes: int = 60) -> History:
    """Return the queue's last minutes, fewer than KEPT: `completed` and `failed` of each are a chart's bars.

    One command, about 200 bytes a minute. The current minute is left out. Minutes without any instance are
    missing, so place a bar by its `at`; the last of them has what was counted in all.
    """
    answer = queue.read("LRANGE", queue.keys.history, 0, min(minutes, KEPT - 1))
    stored = [entry for entry in map(_entry, answer) if entry]
    found = [
        Minute(
            at=(later["minute"] - 1) * 60_000,
            waiting=later["waiting"],
            **{name: max(0, later[name] - earlier[name]) for name in ("completed", "failed", "retried")},
        )
        for later, earlier in pairwise(stored)
    ]
    wait, run = (
        histogram_of(stored[0].get(name, {})).minus(histogram_of(stored[-1].get(name, {})))
        if stored
        else histogram_of({})
        for name in ("wait", "run")
    )
    return History(found[::-1], wait, run)


def _entry(entry: bytes | str) -> dict[str, Any] | None:
    """Return a stored minute; None for anything else: the list can be edited by hand."""
    try:
        figures = json.loads(text(entry))
        numbers = [figures[name] for name in ("minute", "waiting", "completed", "failed", "retried")]
    except (ValueError, TypeError, KeyError):
        return None
    return figures if all(isinstance(number, int) for number in numbers) else None
