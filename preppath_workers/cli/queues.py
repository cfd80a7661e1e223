"""`preppath-workers queues`: show all queues."""

from __future__ import annotations

import shutil
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from ..queue.gate_words import gate_word, why_closed
from ..queue.summary import summarize
from ..store.reading.troubles import machine_troubles
from ..store.values import iso
from .arguments import add_command
from .queue_argument import open_configured
from .terminal import print_json, print_line

if TYPE_CHECKING:
    from .arguments import Subparsers

_COLUMNS = (
    *("queue", "waiting", "active", "delayed", "failed", "completed", "workers", "limit"),
    "gate",
)

#: The column omitted on narrow terminals.
_LIMIT = _COLUMNS.index("limit")


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        subparsers,
        "queues",
        "show every queue: jobs by state, workers, gate",
        """
        example:
          preppath-workers queues --config .env

        completed: recent jobs that are still listed. workers: those of all live instances.
        limit: starts per seconds, in force or else configured here (omitted if the terminal is
        too narrow). gate: whether jobs may start; if not, a line below gives the reason.

        exit codes: 0 done; 69 Redis does not answer; 78 the configuration is wrong
        """,
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object per line and queue")
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Show the queues. Raises ConfigError."""
    rows: list[Sequence[str]] = [[column.upper() for column in _COLUMNS]]
    notes = []
    for queue, settings in open_configured(args):
        found = summarize(queue, settings.rate_limit)
        if args.json:
            print_json(found.to_dict())
            continue
        counts = map(str, asdict(found.counts).values())
        limit = str(found.rate_limit) if found.rate_limit else "none"
        rows.append([found.name, *counts, limit, gate_word(found.gate, found.refusal)])
        notes += [f"{found.name}: {note}" for note in why_closed(found.gate, found.refusal)]
        notes += [f"{found.name}: {found.loss}, noticed at {iso(found.loss.at)}"] if found.loss else []
        notes += [f"{found.name}: {trouble}" for trouble in machine_troubles(queue)]
    if not args.json:
        for line in [*_table(rows, shutil.get_terminal_size().columns), *notes]:
            print_line(line)
    return 0


def _table(rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Return the rows as lines, without the limits if they would exceed the width."""
    lines = _lines(rows)
    if max(map(len, lines)) <= width:
        return lines
    return _lines([[*row[:_LIMIT], *row[_LIMIT + 1 :]] for row in rows])


def _lines(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return aligned lines: words to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for name, *middle, gate in rows:
        numbers = (cell.rjust(width) for cell, width in zip(middle, widths[1:-1], strict=True))
        lines.append(f"{name.ljust(widths[0])} {' '.join(numbers)}  {gate}")
    return lines
