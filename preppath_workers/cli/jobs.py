"""`preppath-workers jobs`: list a queue's jobs."""

from __future__ import annotations

from argparse import Namespace
from shutil import get_terminal_size
from typing import TYPE_CHECKING

from ..queue.formatting import span
from ..store.job import Job
from ..store.reading.listing import LISTED
from .arguments import add_command, positive_number, whole_number
from .queue_argument import add_queue_argument, open_queue
from .terminal import print_error, print_json, print_line

if TYPE_CHECKING:
    from .arguments import Subparsers

#: The fewest characters of a job's data or error.
_LEAST = 29


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        subparsers,
        "jobs",
        "list a queue's jobs by state",
        """
        examples:
          preppath-workers jobs tts
          preppath-workers jobs tts --state failed --limit 20 --offset 40

        Waiting jobs are listed in the order in which they will start, delayed jobs by due time,
        failed and completed jobs newest first. Each line has the id, the priority, the attempts,
        the time since the job was added, and the last error, or without one the data.

        exit codes: 0 done; 69 Redis does not answer; 78 the configuration is wrong
        """,
    )
    add_queue_argument(parser)
    parser.add_argument(
        "--state", choices=LISTED, default="waiting", help="select the state, default %(default)s"
    )
    parser.add_argument(
        "--limit",
        type=positive_number,
        default=50,
        metavar="N",
        help="list at most N jobs, default %(default)s",
    )
    parser.add_argument("--offset", type=whole_number, default=0, metavar="N", help="skip the first N jobs")
    parser.add_argument("--json", action="store_true", help="print one JSON object per line and job")
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """List the jobs. Raises ConfigError."""
    queue = open_queue(args)
    page = queue.jobs(args.state, args.offset, args.limit)
    if not page:
        beyond = f" after the first {args.offset:,}" if args.offset else ""
        print_error(f"jobs: queue {queue.name} has no {args.state} jobs{beyond}")
    now, width = queue.now(), get_terminal_size().columns
    for job in page:
        if args.json:
            print_json(job.to_dict())
        else:
            print_line(_line(job, now, width))
    return 0


def _line(job: Job, now: int, width: int) -> str:
    age = span(now - job.created_at) if job.created_at else "-"
    # An active or completed job may have an error of an earlier attempt.
    error = job.error if job.state in ("waiting", "delayed", "failed") else None
    hint = f"{error.get('class')}: {error.get('message')}" if error else job.raw_data
    hint = " ".join(hint.split())
    line = f"{job.id:<26}  {job.priority:>3}  {job.attempts:>2}×  {age:>11}  "
    room = max(_LEAST, width - len(line))
    return line + (hint if len(hint) <= room else hint[: room - 1] + "…")
