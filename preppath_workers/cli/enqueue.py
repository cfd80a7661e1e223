"""`preppath-workers enqueue`: adds jobs."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentTypeError, Namespace
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..queue import NewJob
from ..store.job import DEFAULT_PRIORITY, new_id
from .arguments import EXIT_FAILED, add_command
from .queue_argument import add_queue_argument, open_queue
from .terminal import print_error, print_line

if TYPE_CHECKING:
    from .arguments import Subparsers

#: Jobs added before their ids are printed.
_STEP = 500


def add_parser(subparsers: Subparsers) -> None:
    """Adds the command."""
    parser = add_command(
        subparsers,
        "enqueue",
        "add a job, or many from standard input, and print their ids",
        """
        examples:
          preppath-workers enqueue tts '{"questionId": "q1", "text": "Why?"}' --priority 1
          preppath-workers enqueue tts - < jobs.jsonl

        With - every line of standard input is the JSON object of one job. If one of
        them is wrong, none is added.

        exit codes: 0 added, or existed already; 1 not a job; 69 Redis does not answer;
        78 the configuration is wrong
        """,
    )
    add_queue_argument(parser)
    parser.add_argument(
        "data", metavar="JSON", help="the job's data, a JSON object; - for lines on standard input"
    )
    parser.add_argument(
        "--id", help="the job's id; while a job of this id can be looked up, nothing is added"
    )
    parser.add_argument(
        "--priority",
        type=int,
        default=DEFAULT_PRIORITY,
        help="1 (most urgent) to 100; %(default)s if not given",
    )
    parser.add_argument(
        "--delay",
        type=_seconds,
        default=0.0,
        metavar="SECONDS",
        help="do not start it before so many seconds",
    )
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Adds the jobs. Raises ConfigError."""
    if args.data == "-" and args.id:
        return _refuse("--id is for one job, not for lines on standard input")
    lines = sys.stdin if args.data == "-" else [args.data]
    try:
        jobs = _jobs(lines, args)
        for job in jobs:
            job.encode()
    except ValueError as error:
        return _refuse(str(error))
    queue = open_queue(args)
    for start in range(0, len(jobs), _STEP):
        # Printed step by step, so that a server that goes away leaves no doubt about what was added.
        for added in queue.enqueue_many(jobs[start : start + _STEP]):
            print_line(added.id)
            if not added.created:
                print_error(f"enqueue: {added.id} existed already, nothing was added")
    return 0


def _jobs(lines: Iterable[str], args: Namespace) -> list[NewJob]:
    jobs = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                jobs.append(NewJob(_object(line), args.id or new_id(), args.priority, args.delay))
            except ValueError as error:
                where = f"line {number}: " if args.data == "-" else ""
                raise ValueError(f"{where}{error}") from error
    return jobs


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise ArgumentTypeError("a number of seconds is expected") from error


def _refuse(why: str) -> int:
    print_error(f"enqueue: {why}")
    return EXIT_FAILED
