"""The options that say which dead letters are meant."""

from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from dataclasses import replace

from ..store.dead_letters import HOPELESS, REASONS, Selection
from .arguments import positive_number
from .queue_argument import add_queues_argument

_UNITS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def add_selection(parser: ArgumentParser) -> None:
    """Adds QUEUE or --all, and the filters."""
    add_queues_argument(parser)
    parser.add_argument("--id", dest="ids", action="append", default=[], help="this job; may be repeated")
    parser.add_argument(
        "--reason",
        dest="reasons",
        action="append",
        default=[],
        choices=REASONS,
        help="those that died of this; may be repeated",
    )
    parser.add_argument(
        "--class", dest="error_class", metavar="NAME", help="those whose last error is of this class"
    )
    parser.add_argument(
        "--older-than", type=_age, metavar="AGE", help="those that died so long ago: 90s, 30m, 2h, 7d"
    )
    parser.add_argument("--newer-than", type=_age, metavar="AGE", help="those that died since")
    parser.add_argument("--limit", type=positive_number, metavar="N", help="N jobs of each queue at most")


def selection_of(args: Namespace) -> Selection:
    """What the options say."""
    return Selection(
        ids=args.ids,
        reasons=args.reasons,
        error_class=args.error_class,
        min_age_ms=args.older_than,
        max_age_ms=args.newer_than,
    )


def replayable(args: Namespace) -> Selection:
    """What the options say, without the jobs that are not named and that another run can not help, or that
    were replayed often enough."""
    selection = selection_of(args)
    if args.ids:
        return selection
    return replace(selection, but_reasons=() if args.reasons else HOPELESS, max_replays=args.max_replays)


def _age(word: str) -> int:
    found = re.fullmatch(r"([0-9]{1,6})([smhd])", word)
    if not found:
        raise ArgumentTypeError(f"{word!r} is no span such as 90s, 30m, 2h or 7d")
    return int(found[1]) * _UNITS[found[2]]
