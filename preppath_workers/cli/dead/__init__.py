"""`preppath-workers dead list, show, replay, purge`: manage the dead-letter lists."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import TYPE_CHECKING

from ...store.dead_letters import MAX_REPLAYS
from ..arguments import add_command, positive_number, whole_number
from .listing import list_jobs, show_jobs
from .purging import purge
from .replaying import replay
from .selection import add_selection

if TYPE_CHECKING:
    from ..arguments import Subparsers

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
    parser.set_defaults(run=list_jobs)


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
    parser.set_defaults(run=show_jobs)


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
    parser.set_defaults(run=replay)


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
    parser.set_defaults(run=purge)


def _add_dry_run(parser: ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="print the jobs, change nothing")


def _add_oldest(parser: ArgumentParser) -> None:
    parser.add_argument("--oldest", action="store_true", help="list the oldest jobs first")
