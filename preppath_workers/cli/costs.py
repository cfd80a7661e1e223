"""`preppath-workers costs`: what paid requests have cost."""

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

from ..config.budget import nano_dollars
from ..config.load import load_budget
from ..config.prices import dollars
from ..queue import Queue
from ..queue.cost_report import BY, budget_as_dict, cost_report, first_day, since_of
from ..queue.cost_words import budget_of, user_caps
from ..queue.formatting import counted
from ..store.reading.budget_use import caps_in_use
from ..store.reading.spending import Spending, days, today
from ..store.unknown_calls import resolve_call, unknown_calls
from ..store.values import integer, iso
from .arguments import EXIT_FAILED, add_command, is_given, positive_number, refuse_with, refuse_without
from .cost_rows import store_rows
from .job_types import load_queues, variables_of
from .queue_argument import open_budget, open_configured
from .terminal import print_error, print_json, print_line

if TYPE_CHECKING:
    from .arguments import Subparsers

#: Days in which a request to resolve is looked for: as long as the ledger may be kept.
_LONGEST = 3_650

#: The options of what is shown; without a default in the parser, because there it would look like given.
_DEFAULTS = {"by": "model", "since": 1, "limit": 50}

#: The options that have no effect with one that does something else than showing costs.
_IGNORED = {
    "--unknown": ("--by",),
    "--resolve": ("--by", "--since", "--limit", "--json"),
    "--caps": ("--by", "--since", "--limit"),
    "--store": ("--by", "--since", "--limit", "--json"),
}


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        subparsers,
        "costs",
        "show what paid requests have cost",
        """
        examples:
          preppath-workers costs --since 7d
          preppath-workers costs --by user --since 2026-11-01 --json
          preppath-workers costs --caps
          preppath-workers costs --unknown
          preppath-workers costs --resolve 01M8DG8DZ3NX3DQVHZ7GJX4P5T --cost 0.0012

        unknown: the most that requests without an answer can have cost, not included in the cost.
        --unknown lists them with their ids, which OpenAI has as X-Client-Request-Id; --resolve
        stores what one of them did cost, 0 if it was not charged.
        unpriced: requests to models without a price, not included either. Days are in UTC.
        --by user: the total includes jobs without a userId.

        --store writes a row for each request into the database, with LEDGER_ROWS; let a timer
        start it each minute. To run it again, or twice at once, changes nothing.

        exit codes: 0 done; 1 no such request to resolve, or the database refused; 69 Redis does not answer;
        78 the configuration is wrong
        """,
    )
    parser.add_argument("--by", choices=BY, help=f"group the costs by this, default {_DEFAULTS['by']}")
    parser.add_argument(
        "--since",
        type=_since,
        metavar="WHEN",
        help="count from this day, or 7d: 7 days including today",
    )
    parser.add_argument(
        "--limit", type=positive_number, metavar="N", help=f"show N rows, default {_DEFAULTS['limit']}"
    )
    # Each does something else than showing costs.
    other = parser.add_mutually_exclusive_group()
    other.add_argument("--unknown", action="store_true", help="list requests of unknown cost one by one")
    other.add_argument("--resolve", metavar="ID", help="store what a request of unknown cost did cost")
    parser.add_argument(
        "--cost", type=_cost, metavar="DOLLARS", help="with --resolve: what the request did cost"
    )
    other.add_argument("--caps", action="store_true", help="show what is used of the caps on spending")
    other.add_argument("--store", action="store_true", help="write rows of all requests into PostgreSQL")
    parser.add_argument("--json", action="store_true", help="print one JSON object per line and row")
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Show the costs. Raises ConfigError."""
    _complete(args)
    if args.store:
        return store_rows(args)
    queues = [queue for queue, _ in open_configured(args)]
    if args.resolve is not None:
        return _resolve(args, queues)
    if args.unknown:
        return _list_unknown(args, queues)
    if args.caps:
        return _list_caps(args, queues)
    report = cost_report(queues, args.by, args.since, args.limit)
    if args.json:
        for row in report.to_dicts():
            print_json(row)
        return 0
    for line in _table(args.by, [*report.rows.items(), ("total", report.total)]):
        print_line(line)
    if report.more:
        print_line(f"and {report.left_out}: --limit shows them")
    return 0


def _complete(args: Namespace) -> None:
    """Set the options that were not given; refuse those that would be ignored."""
    if args.resolve is None:
        refuse_without(args, "--resolve", "--cost")
    for other, options in _IGNORED.items():
        if is_given(args, other):
            refuse_with(args, other, *options)
    for name, value in _DEFAULTS.items():
        if getattr(args, name) is None:
            setattr(args, name, value)


def _list_caps(args: Namespace, queues: Sequence[Queue]) -> int:
    """Show the caps, and the users who have reached theirs or nearly have. Raises ConfigError."""
    budget = load_budget(variables_of(args))
    uses = caps_in_use(open_budget(args), budget, load_queues(args), queues)
    for use in uses:
        if args.json:
            print_json(budget_as_dict(use))
        else:
            print_line(f"{use.scope}: {budget_of(use)}")
    if args.json:
        return 0
    if budget.user and not any(use.scope.startswith("user ") for use in uses):
        print_line(f"users: {user_caps(budget.user)}, and none of them is near")
    elif not uses:
        print_line("no cap is configured")
    return 0


def _list_unknown(args: Namespace, queues: Sequence[Queue]) -> int:
    calls = [
        {"queue": queue.name, **call} for queue in queues for call in unknown_calls(queue, _days(args, queue))
    ]
    for call in sorted(calls, key=lambda call: call.get("at", 0))[: args.limit]:
        if args.json:
            print_json(call)
            continue
        most = integer(str(call.get("nano") or ""))
        cost = "unpriced" if most is None else f"up to {dollars(most)}"
        print_line(f"{iso(integer(str(call.get('at'))))}  {call.get('id')}  {_name(call)}, {cost}")
    if not args.json:
        print_line(f"{counted(len(calls), 'request')} of unknown cost")
    return 0


def _resolve(args: Namespace, queues: Sequence[Queue]) -> int:
    """Store what a request of unknown cost did cost."""
    if args.cost is None:
        args.parser.error("--resolve needs --cost: what the request did cost, 0 if it was not charged")
    for queue in queues:
        last = today(queue)
        newest_first = days(first_day(_LONGEST, last), last)[::-1]
        if call := resolve_call(queue, open_budget(args), newest_first, args.resolve, args.cost):
            most = integer(str(call.get("nano") or ""))
            was = "" if most is None else f", not up to {dollars(most)}"
            print_line(f"{_name({'queue': queue.name, **call})}: {dollars(args.cost)}{was}")
            return 0
    print_error(f"costs: no request {args.resolve!r} of unknown cost (--unknown --since 90d lists them)")
    return EXIT_FAILED


def _name(call: Mapping[str, object]) -> str:
    return f"{call['queue']} {call.get('job')}, attempt {call.get('attempt')}: {call.get('model')}"


def _cost(value: str) -> int:
    try:
        return nano_dollars(value)
    except ValueError as error:
        raise ArgumentTypeError(f"{value!r}: {error}") from None


def _days(args: Namespace, queue: Queue) -> list[str]:
    last = today(queue)
    return days(first_day(args.since, last), last)


def _since(value: str) -> date | int:
    try:
        return since_of(value)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def _table(by: str, rows: Sequence[tuple[str, Spending]]) -> list[str]:
    cells = [(by.upper(), "CALLS", "COST", "UNKNOWN", "UNPRICED", "TOKENS")]
    for name, row in rows:
        unknown = f"{row.unknown_calls or ''} up to {dollars(row.unknown)}".strip() if row.unknown else "-"
        cells.append(
            (
                name,
                str(row.calls),
                dollars(row.nano),
                unknown,
                str(row.unpriced or "-"),
                str(row.all_tokens or "-"),
            )
        )
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in cells
    ]
