"""`dead list` and `dead show`; also what a dry run prints."""

from __future__ import annotations

from argparse import Namespace

from ...queue.formatting import counted, span
from ...store.dead_letters import Selection, newest
from ...store.job import Job
from ...store.reading.brief import BriefReader
from ..queue_argument import open_queues
from ..terminal import print_json, print_line
from .found import Found
from .selection import selected, selection_of


def list_jobs(args: Namespace) -> int:
    """List the jobs, a line each. Raises ConfigError."""
    return print_jobs(args, selection_of(args), as_json=args.json, oldest_first=args.oldest)


def show_jobs(args: Namespace) -> int:
    """Show all data of the jobs. Raises ConfigError."""
    return print_jobs(args, selection_of(args), as_json=True, oldest_first=args.oldest)


def print_jobs(
    args: Namespace, selection: Selection, as_json: bool = False, oldest_first: bool = True
) -> int:
    """Print the selected jobs, a line each; return the exit code."""
    found = Found(args)
    for queue in open_queues(args):
        now = queue.now()
        reader = queue if as_json else BriefReader.of(queue)
        order = selected if oldest_first else newest
        for job in order(reader, selection, args.limit):
            found.add(job)
            if as_json:
                print_json(job.to_dict())
            else:
                print_line(_line(job, now))
    return found.report()


def _line(job: Job, now: int) -> str:
    age = span(now - job.finished_at) if job.finished_at else "-"
    error = job.error or {}
    message = " ".join(str(error.get("message", "")).split())
    history = f"{job.reason}, {age} ago, {counted(job.replays, 'replay')}"
    return f"{job.queue} {job.id}  {history}  {error.get('class')}: {message}"
