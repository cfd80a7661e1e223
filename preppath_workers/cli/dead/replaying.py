"""`dead replay`: retry dead jobs."""

from __future__ import annotations

import time
from argparse import Namespace
from collections import Counter

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
    selection = selection_of(args).worth_a_replay(args.max_replays)
    if args.dry_run:
        return _dry_replay(args, selection)
    refuse_without(args, "--dry-run", "--json")
    if not args.quiet:
        _tell_cost(args, selection)
    queues = open_queues(args)
    replayed = Counter[str]()
    found = Found(args)
    try:
        for queue in queues:
            for page in Walk(BriefReader.of(queue), selection, queue.replay, args.limit, page=args.pace):
                replayed[queue.name] += page.taken
                found.add(*page.jobs)
                if len(page.jobs) == args.pace:
                    time.sleep(1)
    finally:  # also if Redis fails meanwhile, or after Ctrl-C
        if replayed.total() or not args.quiet:
            _print_replayed(replayed)
    if not args.quiet:
        _tell_skipped(args, selection)
    return found.report() if args.ids else 0


def _dry_replay(args: Namespace, selection: Selection) -> int:
    code = 0 if args.json else print_jobs(args, selection)
    for queue in open_queues(args):
        found = forecast(args, queue, [job.data for job in selected(queue, selection, args.limit)])
        if args.json or found.is_known:
            print_forecast(found, as_json=args.json)
    _tell_skipped(args, selection)
    return code


def _tell_cost(args: Namespace, selection: Selection) -> None:
    """Print what the replay may cost, unless a dead-letter list is long."""
    for queue in open_queues(args):
        if queue.counts().failed <= MOST_AT_ONCE:
            tell_cost(args, queue, [job.data for job in selected(queue, selection, args.limit)])


def _tell_skipped(args: Namespace, selection: Selection) -> None:
    """Print how many jobs are skipped by default, unless a dead-letter list is long."""
    for queue in open_queues(args):
        if queue.counts().failed > MOST_AT_ONCE:
            continue
        now = queue.now()
        meant = selected(BriefReader.of(queue), selection_of(args), None)
        if skipped := sum(not selection.holds(job, now) for job in meant):
            print_error(
                f"dead replay: {counted(skipped, 'job')} of {queue.name} skipped: invalid, malformed, or "
                f"replayed {counted(args.max_replays, 'time')} or more (--id, --reason or --max-replays "
                "includes them)"
            )


def _print_replayed(replayed: Counter[str]) -> None:
    detail = ", ".join(f"{name} {number}" for name, number in replayed.items() if number)
    print_line(f"{counted(replayed.total(), 'dead job')} replayed" + (f": {detail}" if detail else ""))
