"""What the demo prints: lines, and the table of the jobs, which is redrawn in place on a terminal."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from preppath_workers.cli.terminal import OutputError

#: Plainer than "dim", which not every terminal knows.
GREY = "bright_black"

STYLES = {"waiting": GREY, "active": "cyan", "delayed": "yellow", "completed": "green", "failed": "red"}


@dataclass(frozen=True)
class Row:
    """One line of the table: what is said, and the job that is at work on it; `state` is empty before the
    first."""

    title: str
    queue: str = ""
    state: str = ""
    progress: int = 0
    attempt: int = 0
    seconds: float | None = None


class Screen:
    """Standard output. In a pipe, the table becomes a line for each change.

    Methods raise OutputError if it cannot be written, for example to a full disk.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self._began = time.monotonic()
        self._live: Live | None = None
        self._shown: dict[str, tuple[str, str, int]] = {}

    @property
    def seconds(self) -> float:
        """Seconds since the start of the demo."""
        return time.monotonic() - self._began

    def say(self, text: str = "", style: str = "") -> None:
        """Print a line; a longer one is wrapped on a terminal."""
        self._print(Text(text, style))

    def quote(self, text: str) -> None:
        """Print a line to be copied: never wrapped."""
        self._write(Text(text), soft_wrap=True)

    def event(self, text: str, style: str = "") -> None:
        """Print what happened, after the time."""
        line = Table.grid(padding=(0, 2))
        line.add_column(width=7, justify="right", style=GREY)
        line.add_column()
        line.add_row(f"{self.seconds:.1f} s", Text(text, style))
        self._print(line if self._console.is_terminal else Text(f"{self.seconds:6.1f} s  {text}"))

    def score(self, name: str, score: float, details: str) -> None:
        """Print a score of 0 to 10."""
        line = Table.grid(padding=(0, 0, 0, 2))
        line.add_column(min_width=30)
        line.add_column(width=10)
        line.add_column(min_width=4)
        line.add_column(no_wrap=True, overflow="ellipsis")
        if self._console.is_terminal:
            line.add_row(f"  {name}", _bar(10 * score, "cyan"), f"{score:4.1f}", Text(details, GREY))
            self._print(line)
        else:
            self._print(Text(f"  {name:<30} {score:4.1f}  {details}"))

    def check(self, passed: bool, text: str) -> None:
        """Print a check's result."""
        self._print(Text.assemble(("✓ ", "green") if passed else ("✗ ", "bold red"), text))

    def show(self, rows: Sequence[Row], notes: Sequence[str]) -> None:
        """Draw the table, and the notes below it."""
        if not self._console.is_terminal or self._console.is_dumb_terminal:
            self._show_changes(rows)
            return
        if self._live is None:
            # Without a thread of its own: processes are forked meanwhile.
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        below = [Text(f"  {note}", "yellow", no_wrap=True, overflow="ellipsis") for note in notes]
        self._live.update(Group(Text(), _table(rows), *below), refresh=True)

    def release(self) -> None:
        """Remove the table."""
        if self._live:
            self._live.stop()
            self._live = None

    def _show_changes(self, rows: Sequence[Row]) -> None:
        for row in rows:
            now = (row.queue, row.state, row.attempt)
            if row.state not in ("", "waiting") and self._shown.get(row.title) != now:
                self._shown[row.title] = now
                again = f", attempt {row.attempt}" if row.attempt > 1 else ""
                self.event(f"{row.queue:<13}  {row.state:<9}  {row.title}{again}")

    def _print(self, content: Text | Table) -> None:
        # Lines in a pipe are whole, however long.
        self._write(content, soft_wrap=not self._console.is_terminal)

    def _write(self, content: Text | Table, soft_wrap: bool) -> None:
        try:
            self._console.print(content, soft_wrap=soft_wrap)
        except OSError as error:
            raise OutputError(error.strerror or str(error)) from error


def _bar(percent: float, style: str) -> ProgressBar:
    return ProgressBar(100, percent, width=10, complete_style=style, finished_style=style)


def _table(rows: Sequence[Row]) -> Table:
    table = Table(box=None, padding=(0, 0, 0, 2), header_style=GREY)
    table.add_column("what is said", no_wrap=True, min_width=26)
    table.add_column("queue", min_width=13)
    table.add_column("state", min_width=9)
    table.add_column("progress", width=10)
    table.add_column("try", justify="right", min_width=3)
    table.add_column("time", justify="right", min_width=6)
    for row in rows:
        style = STYLES.get(row.state, GREY)
        table.add_row(
            row.title,
            row.queue,
            Text(row.state, style),
            _bar(row.progress, style) if row.state else "",
            str(row.attempt) if row.attempt else "",
            "" if row.seconds is None else f"{row.seconds:.1f} s",
        )
    return table
