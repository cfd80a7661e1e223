"""`preppath-workers costs`: what paid requests have cost."""

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, timedelta
from typing import TYPE_CHECKING

from ..config.prices import dollars
from ..queue import Queue
from ..queue.formatting import counted
from ..store.job import integer, iso
from ..store.reading.spending import Spending, by_model, by_user, days, today, unknown_calls
from .arguments import add_command, positive_number
from .queue_argument import open_configured
from .terminal import print_json, print_line

if TYPE_CHECKING:
    from .arguments import Subparsers


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
          preppath-workers costs --unknown

        unknown: the most that requests can have cost whose answers never came; it isn't in the
        cost. unpriced: calls of models without a price, which aren't in the cost either. Days are
        those of UTC.

        exit codes: 0 done; 69 Redis does not answer; 78 the configuration is wrong
        """,
    )
    parser.add_argument(
        "--by", choices=("model", "queue", "user"), default="model", help="what a row is, default %(default)s"
    )
    parser.add_argument(
        "--since",
        type=_since,
        default="1d",
        metavar="WHEN",
        help="count from a day, or 7d: 7 days with today",
    )
    parser.add_argument(
        "--limit", type=positive_number, default=50, metavar="N", help="show N rows, default %(default)s"
    )
    parser.add_argument("--unknown", action="store_true", help="list requests of unknown cost one by one")
    parser.add_argument("--json", action="store_true", help="print one JSON object per line and row")
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Show the costs. Raises ConfigError."""
    queues = [queue for queue, _ in open_configured(args)]
    if args.unknown:
        return _list_unknown(args, queues)
    found: dict[str, Spending] = {}
    for queue in queues:
        for name, spending in _of_queue(args, queue).items():
            found.setdefault(name, Spending()).merge(spending)
    rows = sorted(found.items(), key=lambda row: (-row[1].nano, -row[1].unknown, row[0]))
    if args.json:
        for name, spending in rows[: args.limit]:
            print_json({args.by: name, "dollars": dollars(spending.nano).lstrip("$"), **_as_json(spending)})
        return 0
    total = Spending()
    for _, spending in rows:
        total.merge(spending)
    for line in _table(args.by, {**dict(rows[: args.limit]), "total": total}):
        print_line(line)
    if len(rows) > args.limit:
        print_line(f"and {len(rows) - args.limit} more: --limit shows them")
    return 0


def _of_queue(args: Namespace, queue: Queue) -> Mapping[str, Spending]:
    chosen = _days(args, queue)
    if args.by == "user":
        return by_user(queue, chosen, args.limit)
    models = by_model(queue, chosen)
    if args.by == "model" or not models:
        return models
    whole = Spending()
    for spending in models.values():
        whole.merge(spending)
    return {queue.name: whole}


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
        where = f"{call['queue']} {call.get('job')}, attempt {call.get('attempt')}"
        print_line(f"{iso(integer(str(call.get('at'))))}  {where}: {call.get('model')}, {cost}")
    if not args.json:
        print_line(f"{counted(len(calls), 'request')} of unknown cost")
    return 0


def _days(args: Namespace, queue: Queue) -> list[str]:
    last = today(queue)
    first = args.since if isinstance(args.since, date) else last - timedelta(args.since - 1)
    return days(max(first, last - timedelta(3_650)), last)


def _since(value: str) -> date | int:
    """Return a day, or a number of days."""
    try:
        if value.endswith("d"):
            number = int(value[:-1])
            if not 1 <= number <= 3_650:
                raise ValueError
            return number
        return date.fromisoformat(value)
    except ValueError:
        raise ArgumentTypeError(
            f"{value!r} is neither a day such as 2026-11-01 nor days such as 7d"
        ) from None


def _as_json(spending: Spending) -> dict[str, object]:
    known = asdict(spending)
    known["unknownCalls"] = known.pop("unknown_calls")
    return known


def _table(by: str, rows: Mapping[str, Spending]) -> list[str]:
    cells = [(by, "calls", "cost", "unknown", "unpriced", "tokens")]
    for name, row in rows.items():
        tokens = sum(count for kind, count in row.tokens.items() if kind != "reasoning")
        unknown = f"{row.unknown_calls or ''} up to {dollars(row.unknown)}".strip() if row.unknown else "-"
        cells.append(
            (name, str(row.calls), dollars(row.nano), unknown, str(row.unpriced or "-"), str(tokens or "-"))
        )
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in cells
    ]
