"""Options that select dead letters, and the selected ones."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from ...store.dead_letters import REASONS, Selection, Walk
from ...store.job import Job
from ...store.reading.reader import QueueReader
from ..arguments import add_ages, positive_number
from ..queue_argument import add_queues_argument


def add_selection(parser: ArgumentParser) -> None:
    """Add QUEUE or --all, and the filters."""
    add_queues_argument(parser)
    parser.add_argument(
        "--id", dest="ids", metavar="ID", action="append", default=[], help="select this job (repeatable)"
    )
    parser.add_argument(
        "--reason",
        dest="reasons",
        action="append",
        default=[],
        choices=REASONS,
        help="select jobs that failed for this reason (repeatable)",
    )
    parser.add_argument(
        "--class", dest="error_class", metavar="NAME", help="select jobs whose last error has this class"
    )
    add_ages(parser)
    parser.add_argument("--limit", type=positive_number, metavar="N", help="select at most N jobs per queue")


def selection_of(args: Namespace) -> Selection:
    """Return the selection that the options describe."""
    return Selection(
        ids=args.ids,
        reasons=args.reasons,
        error_class=args.error_class,
        min_age_ms=args.older_than,
        max_age_ms=args.newer_than,
    )


def selected(queue: QueueReader, selection: Selection, limit: int | None) -> Iterator[Job]:
    """Yield the queue's selected jobs, oldest first."""
    for page in Walk(queue, selection, limit=limit):
        yield from page.jobs
