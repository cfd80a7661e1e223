"""`preppath-workers dead list, show, replay, purge`: manage the dead-letter lists."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from ..queue.formatting import counted, span
from ..store.dead_letters import MAX_REPLAYS, Selection, Walk, newest
from ..store.job import Job
from ..store.reading.brief import BriefReader
from ..store.reading.reader import QueueReader
from .arguments import EXIT_FAILED, add_command, positive_number, refuse_without, whole_number
from .dead_selection import add_selection, selection_of
from .forecasting import MOST_AT_ONCE, forecast, print_forecast, tell_cost
from .queue_argument import open_queues
from .terminal import print_error, print_json, print_line

if TYPE_CHECKING:
    from .arguments import Subparsers

_CODES = "exit codes: 0 done; 1 no such --id; 69 Redis does not answer; 78 the configuration is wrong"


def add_parser(subparsers: Subparsers) -> None:
    """Add the commands."""
    parser = add_command(
        subparsers,
        "dead",
        "list, show, replay or purge dead letters",
        f"""
        examples:
          preppath-workers dead list tts --reason retries --newer-than 2h
          preppath-workers dead replay --all --class TransientError --dry-run
          preppath-workers dead purge tts --older-than 30d --yes

        {_CODES}
        """,
    )
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for add in (_add_list, _add_show, _add_replay, _add_purge):
        add(verbs)


def _add_list(verbs: Subparsers) -> None:
    parser = add_command(
        verbs,
        "list",
        "list dead jobs, newest first",
        f"""
        example: preppath-workers dead list tts --reason retries

        {_CODES}
        """,
    )
    add_selection(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object per line and job")
    _add_oldest(parser)
    parser.set_defaults(run=_list)


def _add_show(verbs: Subparsers) -> None:
    parser = add_command(
        verbs,
        "show",
        "show all data of dead jobs as JSON, newest first",
        f"""
        example: preppath-workers dead show tts --id q1-v1

        {_CODES}
        """,
    )
    add_selection(parser)
    _add_oldest(parser)
    parser.set_defaults(run=_show)


def _add_replay(verbs: Subparsers) -> None:
    parser = add_command(
        verbs,
        "replay",
        "retry dead jobs, oldest first, with counters reset",
        f"""
        example: preppath-workers dead replay --all --newer-than 1d

        Invalid and malformed jobs are skipped unless selected by --id or --reason. Jobs that were
        replayed --max-replays times are skipped unless selected by --id.

        {_CODES}
        """,
    )
    add_selection(parser)
    _add_dry_run(parser)
    parser.add_argument(
        "--max-replays",
        type=whole_number,
        default=MAX_REPLAYS,
        metavar="N",
        help="skip jobs replayed N times or more, default %(default)s",
    )
    parser.add_argument(
        "--pace",
        type=positive_number,
        default=20,
        metavar="N",
        help="replay at most N jobs per second, default %(default)s",
    )
    parser.add_argument("--quiet", action="store_true", help="print nothing if there is no work")
    parser.add_argument("--json", action="store_true", help="with --dry-run: print the cost as JSON")
    parser.set_defaults(run=_replay)


def _add_purge(verbs: Subparsers) -> None:
    parser = add_command(
        verbs,
        "purge",
        "delete dead jobs permanently",
        """
        example: preppath-workers dead purge tts --older-than 30d

        Asks for confirmation. --yes is required if standard input is not a terminal.

        exit codes: 0 done; 1 not confirmed, or no such --id; 69 Redis does not answer;
        78 the configuration is wrong
        """,
    )
    add_selection(parser)
    _add_dry_run(parser)
    parser.add_argument("--yes", action="store_true", help="skip the confirmation")
    parser.set_defaults(run=_purge)


def _add_dry_run(parser: ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="print the jobs, change nothing")


def _add_oldest(parser: ArgumentParser) -> None:
    parser.add_argument("--oldest", action="store_true", help="list the oldest jobs first")


def _list(args: Namespace) -> int:
    return _print(args, selection_of(args), as_json=args.json, oldest_first=args.oldest)


def _show(args: Namespace) -> int:
    return _print(args, selection_of(args), as_json=True, oldest_first=args.oldest)


def _print(args: Namespace, selection: Selection, as_json: bool = False, oldest_first: bool = True) -> int:
    found = set()
    for queue in open_queues(args):
        now = queue.now()
        reader = queue if as_json else BriefReader.of(queue)
        jobs = _jobs(reader, selection, args.limit) if oldest_first else newest(reader, selection, args.limit)
        for job in jobs:
            found.add(job.id if args.ids else "")
            if as_json:
                print_json(job.to_dict())
            else:
                print_line(_line(job, now))
    return _missing(args, found)


def _missing(args: Namespace, found: Collection[str]) -> int:
    """Report selected jobs that were not found, and return the exit code: a missing --id is a failure.

    `found`: the ids that were asked for and found. Without --id any member says that there was a job: to keep
    the ids of all would take much memory.
    """
    where = "any queue" if args.all else f"queue {args.queue}"
    missing = [job_id for job_id in args.ids if job_id not in found]
    for job_id in missing:
        print_error(f"dead {args.verb}: no dead job {job_id!r} of {where} matches")
    if not found and not missing:
        print_error(f"dead {args.verb}: no dead job of {where} matches")
    return EXIT_FAILED if missing else 0


def _replay(args: Namespace) -> int:
    selection = selection_of(args).worth_a_replay(args.max_replays)
    if not args.dry_run:
        refuse_without(args, "--dry-run", "--json")
    if args.dry_run:
        return _dry_replay(args, selection)
    if not args.quiet:
        _tell_cost(args, selection)
    replayed: dict[str, int] = {}
    found: set[str] = set()
    try:
        for queue in open_queues(args):
            for page in Walk(BriefReader.of(queue), selection, queue.replay, args.limit, page=args.pace):
                replayed[queue.name] = replayed.get(queue.name, 0) + page.taken
                found.update(job.id for job in page.jobs if args.ids)
                if len(page.jobs) == args.pace:
                    time.sleep(1)
    except RedisError:
        if any(replayed.values()):
            _print_replayed(replayed)
        raise
    if any(replayed.values()) or not args.quiet:
        _print_replayed(replayed)
    return _missing(args, found) if args.ids else 0


def _dry_replay(args: Namespace, selection: Selection) -> int:
    code = 0 if args.json else _print(args, selection)
    for queue in open_queues(args):
        found = forecast(args, queue, [job.data for job in _jobs(queue, selection, args.limit)])
        if args.json or found.is_known:
            print_forecast(found, as_json=args.json)
    return code


def _tell_cost(args: Namespace, selection: Selection) -> None:
    """Print what the replay may cost, unless a dead-letter list is long."""
    for queue in open_queues(args):
        if queue.counts().failed <= MOST_AT_ONCE:
            tell_cost(args, queue, [job.data for job in _jobs(queue, selection, args.limit)])


def _print_replayed(replayed: Mapping[str, int]) -> None:
    detail = ", ".join(f"{name} {number}" for name, number in replayed.items() if number)
    print_line(f"{counted(sum(replayed.values()), 'dead job')} replayed" + (f": {detail}" if detail else ""))


def _purge(args: Namespace) -> int:
    selection = selection_of(args)
    if args.dry_run:
        return _print(args, selection)
    found: set[str] = set()
    for queue in open_queues(args):
        meant = 0
        for job in _jobs(BriefReader.of(queue), selection, args.limit):
            meant += 1
            found.add(job.id if args.ids else "")
        if not meant:
            continue
        question = f"Delete {counted(meant, 'dead job')} of {queue.name} permanently?"
        if not args.yes and not _confirmed(question):
            print_error("dead purge: not confirmed, nothing was deleted (--yes skips the confirmation)")
            return EXIT_FAILED
        purged = sum(page.taken for page in Walk(BriefReader.of(queue), selection, queue.purge, args.limit))
        print_line(f"{queue.name}: {counted(purged, 'dead job')} deleted")
    return _missing(args, found)


def _confirmed(question: str) -> bool:
    can_ask = sys.stdin is not None and sys.stdin.isatty()
    return can_ask and input(f"{question} [y/N] ").strip().lower() in ("y", "yes")


def _jobs(queue: QueueReader, selection: Selection, limit: int | None) -> Iterator[Job]:
    for page in Walk(queue, selection, limit=limit):
        yield from page.jobs


def _line(job: Job, now: int) -> str:
    age = span(now - job.finished_at) if job.finished_at else "-"
    error = job.error or {}
    message = " ".join(str(error.get("message", "")).split())
    history = f"{job.reason}, {age} ago, {counted(job.replays, 'replay')}"
    return f"{job.queue} {job.id}  {history}  {error.get('class')}: {message}"
