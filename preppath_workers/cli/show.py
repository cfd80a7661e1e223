"""`preppath-workers show`: everything about one job."""

from __future__ import annotations

import json
import time
from argparse import ArgumentTypeError, Namespace
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from ..errors import JobFailed, UnknownJob
from ..queue import Queue
from ..queue.cost_words import cost_of
from ..queue.explain import explain
from ..queue.formatting import moment, span
from ..store.job import Job
from ..store.reading.troubles import machine_troubles
from ..store.refusals import is_out_of_memory, is_passing, summary_of
from .arguments import EXIT_FAILED, add_command
from .group import summary
from .queue_argument import add_queue_argument, open_queue, rate_limit_of
from .terminal import print_error, print_json, print_line

if TYPE_CHECKING:
    from .arguments import Subparsers

#: Seconds of one blocking read with --wait: how late it reports that Redis does not answer.
_LOOK = 2.0

#: Seconds between retries while Redis does not answer.
_PAUSE = 0.5

#: Exit codes of --wait: the job failed, was cancelled or expired; it did not finish in time.
_EXIT_NOT_COMPLETED, _EXIT_NOT_ENDED = 3, 4


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        subparsers,
        "show",
        "show a job and explain its state",
        """
        example:
          preppath-workers show tts 01KAS7XJ3H5M0Q2V8B9C4D6E7F --wait 60

        exit codes: 0 job found (with --wait: completed); 1 no such job;
        with --wait: 3 failed, cancelled or expired, 4 not finished in time;
        69 Redis does not answer; 78 the configuration is wrong
        """,
        aliases=["status"],
    )
    add_queue_argument(parser)
    parser.add_argument("id", metavar="ID", help="the job's id, as enqueue printed it")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--wait",
        nargs="?",
        type=_seconds,
        const=float("inf"),
        metavar="SECONDS",
        help="wait until it is finished, at most SECONDS if given",
    )
    parser.set_defaults(run=run)


def _seconds(word: str) -> float:
    try:
        if (seconds := float(word)) >= 0:  # not NaN
            return seconds
    except ValueError:
        pass
    raise ArgumentTypeError(f"{word!r} is not a number of seconds, 0 or more")


def run(args: Namespace) -> int:
    """Show the job. Raises ConfigError."""
    queue = open_queue(args)
    try:
        job = queue.ref(args.id).status()
        give_up_at = time.monotonic() + (args.wait or 0.0)
        while not job.is_finished and time.monotonic() < give_up_at:
            job = _wait(queue, job, give_up_at)
    except UnknownJob as error:
        print_error(f"show: {error}")
        return EXIT_FAILED
    location = queue.locate(job.id, rate_limit_of(args))
    reason = explain(job, location, queue.gate(), machine_troubles(queue))
    if job.state == "failed":
        reason += f"; `retry {job.queue} {job.id}` retries it"
    if args.json:
        known = {name: value for name, value in asdict(location).items() if value is not None}
        print_json(job.to_dict() | {"why": reason, "location": known}, indent=2)
    else:
        for line in _shown(job, reason, location.at):
            print_line(line)
        if job.group and (group := queue.group(job.group)):
            print_line(f"{'groupState':<11} {summary(group)}")
    if args.wait is None or job.state == "completed":
        return 0
    return _EXIT_NOT_COMPLETED if job.is_finished else _EXIT_NOT_ENDED


def _wait(queue: Queue, job: Job, give_up_at: float) -> Job:
    """Return the job once it has ended or some time has passed; if Redis does not answer, once it does."""
    is_reported = False
    while True:
        try:
            with suppress(JobFailed, TimeoutError):
                queue.ref(job.id).wait(max(0.0, min(give_up_at - time.monotonic(), _LOOK)))
            return queue.ref(job.id).status()
        except RedisError as error:
            if not (is_passing(error) or is_out_of_memory(error)) or time.monotonic() >= give_up_at:
                raise
            if not is_reported:
                print_error(f"show: still waiting: {summary_of(error)}")
                is_reported = True
            time.sleep(_PAUSE)


def _shown(job: Job, reason: str, now: int) -> list[str]:
    shown = job.to_dict() | {"why": reason}
    del shown["failedAttempts"]
    for name, ms in (
        ("created", job.created_at),
        ("started", job.started_at),
        ("finished", job.finished_at),
        ("expires", job.expires_at),
    ):
        shown[f"{name}At"] = moment(ms, now) if ms else None
    if job.error:
        shown["error"] = f"{job.error.get('class')}: {job.error.get('message')}"
    if job.cost:
        shown["cost"] = cost_of(job.cost)
    first = ("queue", "id", "state", "why")
    lines = [f"{name:<11} {_text(shown[name])}" for name in first]
    lines += [
        f"{name:<11} {_text(value)}{' %' if name == 'progress' else ''}"
        for name, value in shown.items()
        if name not in first and value is not None
    ]
    return lines + [f"{'failed':<11} {_failed(attempt, now)}" for attempt in job.failed_attempts]


def _failed(attempt: Mapping[str, Any], now: int) -> str:
    started, failed = attempt.get("startedAt"), attempt.get("failedAt")
    when = moment(failed, now) if isinstance(failed, int) else "-"
    ran = f" after {span(failed - started)}" if isinstance(failed, int) and isinstance(started, int) else ""
    return f"{when}{ran}, {attempt.get('class')}: {attempt.get('message')}"


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
