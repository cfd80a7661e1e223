"""`preppath-workers enqueue`: add jobs."""

from __future__ import annotations

import io
import json
import os
import sys
from argparse import ArgumentTypeError, Namespace
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from ..queue import NewJob, Queue
from ..queue.new_job import due_time
from ..store.job import DEFAULT_PRIORITY
from ..store.job_id import new_id
from .arguments import EXIT_FAILED, add_command, positive_number, priority, refuse_with, refuse_without
from .forecasting import forecast, print_forecast, tell_cost
from .queue_argument import add_queue_argument, open_queue
from .terminal import print_error, print_line

if TYPE_CHECKING:
    from .arguments import Subparsers

#: Jobs added before their ids are printed.
_STEP = 500


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        subparsers,
        "enqueue",
        "add jobs and print their ids",
        """
        examples:
          preppath-workers enqueue tts '{"questionId": "q1", "text": "Why?"}' --priority 1
          preppath-workers enqueue tts - < jobs.jsonl
          preppath-workers enqueue tts - --at 2026-12-01T08:00:00Z < jobs.jsonl

        With -, each line of standard input is the JSON object of one job. If any line
        is invalid, no job is added. What up to 1,000 jobs may cost is printed on standard error
        before they are added; --dry-run prints it for any number, and adds nothing.

        exit codes: 0 added, or already existed; 1 invalid data; 69 Redis does not answer;
        78 the configuration is wrong
        """,
    )
    add_queue_argument(parser)
    parser.add_argument("data", metavar="JSON", help="the job's data, a JSON object; - reads standard input")
    parser.add_argument("--id", help="set the job's id; no-op if the id already exists")
    parser.add_argument(
        "--priority",
        type=priority,
        default=DEFAULT_PRIORITY,
        metavar="N",
        help="set the priority: 1 (most urgent) to 100, default %(default)s",
    )
    parser.add_argument(
        "--delay",
        type=_seconds,
        default=0.0,
        metavar="SPAN",
        help="start the job after this span: seconds, or 30m, 2h, 7d",
    )
    parser.add_argument(
        "--at", type=_due_time, metavar="TIME", help="start the job at this time: ISO 8601 with a time zone"
    )
    parser.add_argument(
        "--expires",
        type=_seconds,
        metavar="SPAN",
        help="never start the job if it hasn't started by then",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="check the jobs, print what they may cost, add nothing"
    )
    parser.add_argument("--json", action="store_true", help="with --dry-run: print the cost as JSON")
    parser.add_argument("--group", help="add the jobs to this group; an event reports its end")
    parser.add_argument(
        "--group-size", type=positive_number, metavar="N", help="set how many jobs the group will have"
    )
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Add the jobs. Raises ConfigError."""
    _check_options(args)
    try:
        jobs = _jobs(_standard_input() if args.data == "-" else [_argument(args)], args)
    except ValueError as error:
        return _refuse(str(error))
    queue = open_queue(args)
    if not jobs and not args.json:
        print_error("enqueue: standard input has no jobs")
        return 0
    if args.dry_run:
        print_forecast(forecast(args, queue, [job.data for job in jobs]), as_json=args.json)
        return 0
    if args.data == "-":
        tell_cost(args, queue, [job.data for job in jobs])
    try:
        _add(queue, jobs)
    except ValueError as error:  # a time that is wrong by Redis's clock: the first job is refused
        return _refuse(str(error))
    with suppress(RedisError):  # the jobs are added
        if not queue.counts().workers:
            print_error(f"enqueue: no worker of queue {queue.name} is running; its jobs wait for one")
    return 0


def _add(queue: Queue, jobs: Sequence[NewJob]) -> None:
    """Add the jobs and print their ids. Raises ValueError."""
    for start in range(0, len(jobs), _STEP):
        # Printed per step, so that the output shows what was added if Redis stops answering.
        for added in queue.enqueue_many(jobs[start : start + _STEP]):
            print_line(added.id)
            if not added.created:
                print_error(f"enqueue: job {added.id} already exists, nothing was added")


def _check_options(args: Namespace) -> None:
    """End the program with a usage error if an option is invalid or would be ignored."""
    if args.data == "-":
        refuse_with(args, "jobs from standard input", "--id")
    if not args.dry_run:
        refuse_without(args, "--dry-run", "--json")
    if args.group is None:
        refuse_without(args, "--group", "--group-size")
    try:
        _job({}, args).encode()
    except ValueError as error:
        args.parser.error(str(error))


def _argument(args: Namespace) -> str:
    """Return the argument JSON, which is UTF-8 in any locale. Raises ValueError."""
    return os.fsencode(args.data).decode()


def _standard_input() -> Iterable[str]:
    """Return the lines of standard input: JSON, which is UTF-8 in any locale; programs on Windows put a byte
    order mark in front. Raises ValueError."""
    if sys.stdin is None:
        raise ValueError("standard input is closed")
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8-sig", errors="strict")
    return sys.stdin


def _jobs(lines: Iterable[str], args: Namespace) -> list[NewJob]:
    jobs = []
    for number, line in enumerate(lines, start=1):
        if line.strip() or args.data != "-":
            try:
                job = _job(_object(line), args)
                job.encode()  # raises ValueError
            except ValueError as error:
                where = f"line {number}: " if args.data == "-" else ""
                raise ValueError(f"{where}{error}") from error
            jobs.append(job)
    return jobs


def _job(data: Mapping[str, Any], args: Namespace) -> NewJob:
    job_id = new_id() if args.id is None else args.id
    options = {"expires": args.expires, "group": args.group, "group_size": args.group_size}
    return NewJob(data, job_id, args.priority, args.delay, args.at, **options)


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def _seconds(text: str) -> float:
    from ..store.reading.filtering import age_ms  # most calls give no unit

    with suppress(ValueError):
        return float(text)
    try:
        return age_ms(text) / 1000
    except ValueError:
        problem = f"{text!r} is not a number of seconds, or a time such as 90s, 30m, 2h or 7d"
        raise ArgumentTypeError(problem) from None


def _due_time(text: str) -> datetime:
    try:
        return due_time(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def _refuse(why: str) -> int:
    print_error(f"enqueue: {why}")
    return EXIT_FAILED
