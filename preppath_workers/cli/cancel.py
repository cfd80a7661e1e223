"""`preppath-workers cancel`: cancel jobs, by id or by what they are."""

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..errors import UnknownJob
from ..queue import Queue
from ..queue.formatting import counted
from ..store.reading.filtering import JobFilter, find_jobs
from .arguments import EXIT_FAILED, add_ages, add_command, positive_number, refuse_without
from .queue_argument import add_queue_argument, open_queue
from .terminal import has_user, is_confirmed, print_error, print_line

if TYPE_CHECKING:
    from .arguments import Subparsers

#: Jobs read at a time.
_PAGE = 500


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        subparsers,
        "cancel",
        "cancel jobs: waiting, delayed, or with --running active ones",
        """
        examples:
          preppath-workers cancel tts 01KAS7XJ3H5M0Q2V8B9C4D6E7F --running
          preppath-workers cancel evaluation --state waiting --where userId=u1 --dry-run
          preppath-workers cancel tts --state delayed --older-than 7d

        An active job is interrupted within about a second, on any machine, and ends as cancelled;
        if it completes before that, it stays completed.

        exit codes: 0 done; 1 not done, see the message; 69 Redis does not answer;
        78 the configuration is wrong
        """,
    )
    add_queue_argument(parser)
    parser.add_argument("ids", metavar="ID", nargs="*", help="a job's id")
    parser.add_argument("--running", action="store_true", help="cancel active jobs too")
    parser.add_argument(
        "--state",
        dest="states",
        action="append",
        default=[],
        choices=("waiting", "delayed", "active"),
        help="in place of IDs: cancel the jobs in this state (repeatable)",
    )
    parser.add_argument(
        "--where",
        type=_condition,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="select jobs whose data has this value (repeatable)",
    )
    add_ages(parser)
    parser.add_argument("--limit", type=positive_number, metavar="N", help="cancel at most N jobs of --state")
    parser.add_argument("--dry-run", action="store_true", help="print the ids of the jobs, change nothing")
    parser.add_argument("--yes", action="store_true", help="don't ask before --state cancels at a terminal")
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Cancel the jobs. Raises ConfigError."""
    if bool(args.ids) == bool(args.states):
        args.parser.error("expected either ids or --state")
    if not args.states:
        refuse_without(args, "--state", "--where", "--older-than", "--newer-than", "--limit", "--yes")
    queue = open_queue(args)
    # Read completely before the first is cancelled, which would shift the pages.
    ids = args.ids or list(_selected(queue, args))[: args.limit]
    if not ids:
        print_error(f"cancel: no {' or '.join(args.states)} job of queue {queue.name} matches")
    if args.states and not args.dry_run and not _is_meant(args, len(ids), queue.name):
        print_error("cancel: not confirmed, nothing was cancelled (--yes skips the confirmation)")
        return EXIT_FAILED
    failed = False
    for job_id in ids:
        if args.dry_run:
            print_line(job_id)
        else:
            failed |= not _cancel(queue, job_id, args.running or "active" in args.states)
    return EXIT_FAILED if failed else 0


def _is_meant(args: Namespace, jobs: int, queue: str) -> bool:
    """Ask a user at a terminal. A script may cancel without asking: the jobs stay readable for a day."""
    if not jobs or args.yes or not has_user():
        return True
    return is_confirmed(f"Cancel {counted(jobs, 'job')} of {queue}?")


def _selected(queue: Queue, args: Namespace) -> Iterator[str]:
    conditions = JobFilter(min_age_ms=args.older_than, max_age_ms=args.newer_than, where=(*args.where,))
    for state in args.states:
        start: int | None = 0
        while start is not None:
            found = find_jobs(queue, state, conditions, start, _PAGE)
            yield from (job.id for job in found.jobs)
            start = found.next


def _cancel(queue: Queue, job_id: str, running: bool) -> bool:
    """Cancel one job and print what came of it. Returns whether it is cancelled or will be."""
    try:
        state = queue.cancel(job_id, running)
    except UnknownJob as error:
        print_error(f"cancel: {error}")
        return False
    if state in ("cancelled", "cancelling"):
        print_line(f"{job_id} {state}")
        return True
    allowed = "only waiting or delayed jobs can be cancelled, and active ones with --running"
    print_error(f"cannot cancel job {job_id}: it is {state} ({allowed})")
    return False


def _condition(word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not name or not equals:
        raise ArgumentTypeError(f"{word!r} is not NAME=VALUE")
    return name, value
