"""The jobs while they run: a table that is redrawn, or a line for each change."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from preppath_workers.queue import Queue
from preppath_workers.store.job import Job

from .environment import Environment
from .scenario import Planned
from .screen import Cell, Screen, Style

#: Seconds between two polls.
_LOOK = 0.1

_STYLES: Mapping[str, Style] = {
    "waiting": "dim",
    "active": "cyan",
    "delayed": "yellow",
    "completed": "green",
    "failed": "red",
}

#: Characters of the progress bar.
_BAR = 10


class Watched(NamedTuple):
    """A job as planned, and its current state."""

    planned: Planned
    job: Job


class NotFinished(Exception):
    """Raised when the jobs take too long."""


class _View(Protocol):
    def show(self, watched: Sequence[Watched], news: Sequence[str], seconds: float) -> None: ...


def watch(
    planned: Sequence[Planned], environment: Environment, screen: Screen, limit: float
) -> list[Watched]:
    """Show the jobs until all have ended; return them.

    Raises ServerFailed if a server or the supervisor ends, and NotFinished after `limit` seconds.
    """
    # One line more for the cursor: lines that have scrolled away cannot be redrawn.
    fits = screen.is_terminal and screen.height > len(planned) + _AROUND
    view: _View = _Table(screen) if fits else _Lines(screen)
    began = time.monotonic()
    try:
        while True:
            watched = [
                Watched(each, job) for each in planned if (job := environment.queues[each.queue].get(each.id))
            ]
            seconds = time.monotonic() - began
            view.show(watched, [*_held(environment.queues), *_retries(watched)], seconds)
            if len(watched) == len(planned) and all(job.is_finished for _, job in watched):
                return watched
            environment.check()
            if seconds > limit:
                raise NotFinished(f"some jobs have not ended within {limit:g} s")
            time.sleep(_LOOK)
    finally:
        screen.release()


def _held(queues: Mapping[str, Queue]) -> Iterator[str]:
    for name, queue in queues.items():
        gate = queue.gate()
        if gate.held_ms:
            yield f"{name} is held: {gate.reason}"


def _retries(watched: Sequence[Watched]) -> Iterator[str]:
    for planned, job in watched:
        if job.state == "delayed" and job.error:
            yield f"{planned.queue} {planned.short_id} will be retried: {job.error.get('message')}"


_HEAD: Cell = ("  queue          job     state      progress         tries  about", "dim")

#: Lines of the table besides those of the jobs: the head, an empty one, the counts, and two warnings.
_AROUND = 5


class _Table:
    """A row for each job; below, the number of jobs in each state, and at most two warnings."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def show(self, watched: Sequence[Watched], news: Sequence[str], seconds: float) -> None:
        states = Counter[str](job.state for _, job in watched)
        counts: list[Cell | str] = [f"  {seconds:4.1f} s"]
        for state, style in _STYLES.items():
            counts += ["   ", (f"{states[state]} {state}", style if states[state] else "dim")]
        warnings: list[list[Cell]] = [[(f"  {each}", "yellow")] for each in news[:2]]
        self._screen.draw([[_HEAD], *map(_row, watched), [], counts, *warnings])


def _row(watched: Watched) -> list[Cell | str]:
    planned, job = watched
    style = _STYLES.get(job.state, "plain")
    done = round(job.progress * _BAR / 100)
    return [
        f"  {planned.queue:<13}  ",
        (f"{planned.short_id}  ", "dim"),
        (f"{job.state:<9}  ", style),
        ("━" * done, style),
        ("─" * (_BAR - done), "dim"),
        f" {job.progress:>3} %  {job.attempts:>4}  ",
        planned.about,
    ]


class _Lines:
    """A line for each change of a job's state, and for each warning."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._states: dict[str, tuple[str, int]] = {}
        self._news: set[str] = set()

    def show(self, watched: Sequence[Watched], news: Sequence[str], seconds: float) -> None:
        time_shown = f"  {seconds:5.1f} s  "
        for planned, job in watched:
            if self._states.get(planned.id) != (job.state, job.attempts):
                self._states[planned.id] = job.state, job.attempts
                state: Cell = (f"{job.state:<9}", _STYLES.get(job.state, "plain"))
                again = f", attempt {job.attempts}" if job.attempts > 1 else ""
                what = f"{planned.queue:<13}  {planned.short_id}  "
                self._screen.say(time_shown, what, state, f"  {planned.about}{again}")
        for each in news:
            if each not in self._news:
                self._news.add(each)
                self._screen.say(time_shown, (each, "yellow"))
