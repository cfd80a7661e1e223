"""`preppath-workers top`: a live screen of queues, workers, rates and failures."""

from __future__ import annotations

import curses
import sys
from argparse import ArgumentTypeError, Namespace
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import astuple, replace
from functools import partial
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from ..queue import Queue
from ..store.reading.history import Minute, read_history
from ..store.refusals import summary_of
from .arguments import add_command
from .job_types import job_types
from .local_processes import local_workers
from .queue_argument import open_all
from .terminal import print_line
from .top_view import Snapshot, render

if TYPE_CHECKING:
    from .arguments import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        subparsers,
        "top",
        "watch queues, workers, rates and recent failures",
        """
        examples:
          preppath-workers top
          preppath-workers top --once

        Press q to quit. Without a terminal that can move its cursor, one snapshot is printed.
        Rates are those since the last refresh, at first those of the latest full
        minute. Workers on other hosts are shown without pid and memory. MIB is resident
        memory, including memory shared with other processes.

        exit codes: 0 done; 69 Redis does not answer at start; 78 the configuration is wrong
        """,
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--once", action="store_true", help="print one snapshot as plain text and exit")
    how.add_argument(
        "--every",
        type=_seconds,
        default=2.0,
        metavar="SECONDS",
        help="set the refresh interval, default %(default)g",
    )
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Refresh the screen until q is pressed. Raises ConfigError."""
    queues = open_all(args)
    # Optional queues are hidden while they are unused.
    optional = {job_type.name for job_type in job_types(args) if job_type.defaults.needs}
    first = _snapshot(queues, optional)
    first = replace(first, minutes=_latest_minutes(queues, first.at))
    if args.once or not _has_screen():
        for line in render(first, None, 10**6, 10**6):
            print_line(line)
        return 0
    with suppress(KeyboardInterrupt):
        curses.wrapper(lambda screen: _watch(screen, queues, optional, first, args.every))
    return 0


def _has_screen() -> bool:
    """Return whether standard output is a terminal that can move its cursor."""
    if sys.stdout is None or not sys.stdout.isatty():
        return False
    try:
        curses.setupterm()
    except curses.error:  # TERM isn't set, or is unknown here
        return False
    return bool(curses.tigetstr("cup"))


def _snapshot(queues: Sequence[Queue], optional: Collection[str]) -> Snapshot:
    views = [queue.snapshot() for queue in queues]
    shown = [snapshot for snapshot in views if snapshot.name not in optional or any(astuple(snapshot.counts))]
    return Snapshot(queues[0].now(), shown, local_workers())


def _latest_minutes(queues: Sequence[Queue], now: int) -> Mapping[str, Minute]:
    """Return what happened in the latest minute of each queue, by the history that janitors keep."""
    found = {queue.name: read_history(queue, 1).minutes for queue in queues}
    return {
        name: minutes[-1] for name, minutes in found.items() if minutes and minutes[-1].at > now - 180_000
    }


def _watch(
    screen: curses.window, queues: Sequence[Queue], optional: Collection[str], first: Snapshot, every: float
) -> None:
    for prepare in (curses.use_default_colors, partial(curses.curs_set, 0)):
        with suppress(curses.error):  # a terminal without colours, or that cannot hide its cursor
            prepare()
    screen.timeout(round(every * 1000))
    before, now, trouble = None, first, ""
    while True:
        _draw(screen, render(now, before, *_size(screen)), trouble)
        key = screen.getch()
        if key in (ord("q"), ord("Q"), 27):
            return
        if key == curses.KEY_RESIZE:
            continue
        try:
            snapshot, trouble = _snapshot(queues, optional), ""
        except RedisError as error:
            trouble = summary_of(error)
        else:
            before, now = now, snapshot


def _size(screen: curses.window) -> tuple[int, int]:
    height, width = screen.getmaxyx()
    # The last line is for errors; the last column stays free, or curses raises when the cursor leaves it.
    return width - 1, height - 1


def _draw(screen: curses.window, lines: Sequence[str], trouble: str) -> None:
    width, height = _size(screen)
    screen.erase()
    for row, line in enumerate(lines):
        is_title = line[:5].isupper() and line[0] != " "
        screen.addstr(row, 0, line, curses.A_BOLD if is_title else curses.A_NORMAL)
    screen.addstr(height, 0, (trouble or "q: quit")[:width], curses.A_REVERSE if trouble else curses.A_DIM)
    screen.refresh()


def _seconds(word: str) -> float:
    try:
        seconds = float(word)
    except ValueError:
        seconds = 0.0
    if not 0.1 <= seconds <= 3600:
        raise ArgumentTypeError(f"{word!r} is not a number of seconds from 0.1 to 3600")
    return seconds
