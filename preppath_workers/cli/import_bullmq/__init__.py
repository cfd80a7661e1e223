"""`preppath-workers import-bullmq`: take over the jobs of a BullMQ queue."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from ...config import load
from ...errors import ConfigError
from ...store.connections.connection import client
from ...store.job import DEFAULT_PRIORITY
from ..arguments import EXIT_FAILED, add_command, priority, utf8_text
from ..job_types import variables_of
from ..queue_argument import add_queue_argument, open_queue
from ..terminal import print_error, print_json, print_line
from .old_queue import STATES, OldQueue
from .report import Report
from .taking import Importer
from .translation import Translator

if TYPE_CHECKING:
    from ..arguments import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        subparsers,
        "import-bullmq",
        "take over the jobs of a BullMQ queue",
        """
        examples:
          preppath-workers import-bullmq tts --dry-run
          preppath-workers import-bullmq tts
          preppath-workers import-bullmq tts --from audio --name speak --state failed

        First pause the old queue (await queue.pause()) and stop its workers: a job that is
        taken must not run there too. BullMQ's Redis is REDIS_URL, or BULLMQ_REDIS_URL if set.

        Waiting, prioritized, delayed and failed jobs are taken; failed ones go to the
        dead-letter list. Jobs keep their ids. The old jobs stay, marked with a field, so
        that a second run takes none of them again; with --remove they are deleted. Active
        and repeatable jobs, flows, and jobs whose data isn't an object are listed and left.

        exit codes: 0 done; 1 there is no such queue, or it is not paused; 69 Redis does not
        answer; 78 the configuration is wrong
        """,
    )
    add_queue_argument(parser)
    parser.add_argument(
        "--from",
        dest="old_name",
        type=utf8_text,
        metavar="NAME",
        help="read this old queue, default QUEUE",
    )
    parser.add_argument(
        "--prefix", type=utf8_text, default="bull", help="set BullMQ's key prefix, default %(default)s"
    )
    parser.add_argument(
        "--name",
        dest="names",
        metavar="NAME",
        action="append",
        default=[],
        help="select jobs of this name (repeatable)",
    )
    parser.add_argument(
        "--state",
        dest="states",
        action="append",
        default=[],
        choices=STATES,
        help="select jobs in this state (repeatable)",
    )
    parser.add_argument(
        "--without-priority",
        type=priority,
        default=DEFAULT_PRIORITY,
        metavar="N",
        help="set the priority of jobs without one, default %(default)s",
    )
    parser.add_argument("--remove", action="store_true", help="delete the old jobs that are taken")
    parser.add_argument("--dry-run", action="store_true", help="print what would be taken, change nothing")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Import the jobs and print what was done. Raises ConfigError."""
    queue = open_queue(args)
    name = args.old_name or args.queue
    old_key = f"{args.prefix}:{name}"
    with client(_url(args), base=f"{old_key}:") as redis:
        old = OldQueue(redis, name, args.prefix)
        if not old.exists():
            print_error(f"cannot import {name}: there is no BullMQ queue {old_key!r} at that Redis")
            return EXIT_FAILED
        if not (args.dry_run or old.is_paused()):
            print_error(
                f"cannot import {name}: it is not paused; run queue.pause() and stop its workers first"
            )
            return EXIT_FAILED
        version, is_paused = old.version(), old.is_paused()
        if not args.json:
            print_line(f"{name}: {version}{', paused' if is_paused else ', not paused'}")
        report = Report()
        translator = Translator(args.without_priority)
        Importer(queue, old, translator, report, args.names, not args.dry_run, args.remove).run(
            args.states or STATES
        )
    if args.json:
        found = {"queue": args.queue, "from": name, "version": version, "paused": is_paused}
        print_json({**found, **report.to_dict(args.dry_run)})
        return 0
    for line in report.lines(args.dry_run):
        print_line(line)
    return 0


def _url(args: Namespace) -> str:
    """Return the URL of BullMQ's Redis. Raises ConfigError."""
    variables = variables_of(args)
    url = variables.get("BULLMQ_REDIS_URL")
    try:
        return load.load_redis({**variables, "REDIS_URL": url} if url else variables).url
    except ConfigError as error:
        prefix = "BULLMQ_" if url else ""
        raise ConfigError(
            *(f"{prefix * each.startswith('REDIS_URL ')}{each}" for each in error.problems)
        ) from error
