"""`dead purge`: delete dead jobs."""

from __future__ import annotations

from argparse import Namespace

from ...queue.formatting import counted
from ...store.dead_letters import Walk
from ...store.reading.brief import BriefReader
from ..arguments import EXIT_FAILED
from ..queue_argument import open_queues
from ..terminal import is_confirmed, print_error, print_line
from .found import Found
from .listing import print_jobs
from .selection import selected, selection_of


def purge(args: Namespace) -> int:
    """Delete the jobs, after a question. Raises ConfigError."""
    selection = selection_of(args)
    if args.dry_run:
        return print_jobs(args, selection)
    found = Found(args)
    for queue in open_queues(args):
        meant = 0
        for job in selected(BriefReader.of(queue), selection, args.limit):
            meant += 1
            found.add(job)
        if not meant:
            continue
        question = f"Delete {counted(meant, 'dead job')} of {queue.name} permanently?"
        if not args.yes and not is_confirmed(question):
            print_error("dead purge: not confirmed, nothing was deleted (--yes skips the confirmation)")
            return EXIT_FAILED
        purged = 0
        try:
            for page in Walk(BriefReader.of(queue), selection, queue.purge, args.limit):
                purged += page.taken
        finally:  # also if Redis fails meanwhile, or after Ctrl-C
            print_line(f"{queue.name}: {counted(purged, 'dead job')} deleted")
    return found.report()
