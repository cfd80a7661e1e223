"""`dead replay`: retry dead jobs."""

from __future__ import annotations

import time
from argparse import Namespace
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from ...queue import Queue
from ...queue.formatting import counted
from ...store.dead_letters import Selection, Walk
from ...store.reading.brief import BriefReader
from ..arguments import refuse_without
from ..forecasting import MOST_AT_ONCE, forecast, print_forecast, tell_cost
from ..queue_argument import open_queues
from ..terminal import print_error, print_line
from .found import Found
from .listing import print_jobs
from .selection import selected, selection_of


def replay(args: Namespace) -> int:
    """Replay the jobs at the pace that was asked for. Raises ConfigError."""
    selection = selection_of(args).worth_a_replay(args.max_replays)
    if args.dry_run:
        return _dry_replay(args, selection)
    refuse_without(args, "--dry-run", "--json")
    queues = open_queues(args)
    outlooks = {} if args.quiet else {queue.name: _outlook(args, selection, queue) for queue in queues}
    for queue in queues:
        if outlook := outlooks.get(queue.name):
            tell_cost(args, queue, outlook.chosen)
            outlook.chosen.clear()
    replayed = Counter[str]()
    found = Found(args)
    pace = _Pace(args.pace)
    try:
        for queue in queues:

            def step(ids: Sequence[str], queue: Queue = queue) -> int:
                pace.wait(len(ids))
                return queue.replay(ids)

            for page in Walk(BriefReader.of(queue), selection, step, args.limit, page=args.pace):
                replayed[queue.name] += page.taken
                found.add(*page.jobs)
    finally:  # also if Redis fails meanwhile, or after Ctrl-C
        if replayed.total() or not args.quiet:
            _print_replayed(replayed)
    for name, outlook in outlooks.items():
        _tell_skipped(args, name, outlook)
    return found.report() if args.ids else 0


class _Pace:
    """Spreads the replays of all queues together: at most `per_second` jobs a second."""

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._next = time.monotonic()

    def wait(self, jobs: int) -> None:
        """Wait until these jobs are due, which the jobs before them delay."""
        now = time.monotonic()
        if self._next > now:
            time.sleep(self._next - now)
        self._next = max(now, self._next) + jobs / self._per_second


class _Outlook(NamedTuple):
    """The data of the jobs that a replay of a queue selects, and how many others it skips by default."""

    chosen: list[Any]
    skipped: int


def _outlook(args: Namespace, selection: Selection, queue: Queue) -> _Outlook | None:
    """Read the dead-letter list once, unless it is long."""
    if queue.counts().failed > MOST_AT_ONCE:
        return None
    now = queue.now()
    chosen: list[Any] = []
    skipped = 0
    for job in selected(queue, selection_of(args), None):
        if not selection.holds(job, now):
            skipped += 1
        elif args.limit is None or len(chosen) < args.limit:
            chosen.append(job.data)
    return _Outlook(chosen, skipped)


def _dry_replay(args: Namespace, selection: Selection) -> int:
    code = 0 if args.json else print_jobs(args, selection)
    outlooks = {}
    for queue in open_queues(args):
        outlook = outlooks[queue.name] = _outlook(args, selection, queue)
        chosen = outlook.chosen if outlook else [job.data for job in selected(queue, selection, args.limit)]
        found = forecast(args, queue, chosen)
        if args.json or found.is_known:
            print_forecast(found, as_json=args.json)
    for name, outlook in outlooks.items():
        _tell_skipped(args, name, outlook)
    return code


def _tell_skipped(args: Namespace, name: str, outlook: _Outlook | None) -> None:
    if outlook and outlook.skipped:
        print_error(
            f"dead replay: {counted(outlook.skipped, 'job')} of {name} skipped: invalid, malformed, or "
            f"replayed {counted(args.max_replays, 'time')} or more (--id, --reason or --max-replays "
            "includes them)"
        )


def _print_replayed(replayed: Counter[str]) -> None:
    detail = ", ".join(f"{name} {number}" for name, number in replayed.items() if number)
    print_line(f"{counted(replayed.total(), 'dead job')} replayed" + (f": {detail}" if detail else ""))
