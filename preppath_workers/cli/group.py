"""`preppath-workers group`: how many jobs of a group have ended."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from ..queue import Queue
from ..queue.formatting import moment
from ..store.group import Group
from .arguments import EXIT_FAILED, add_command
from .queue_argument import add_queue_argument, open_queue
from .terminal import print_error, print_json, print_line

if TYPE_CHECKING:
    from .arguments import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        subparsers,
        "group",
        "show how many jobs of a group have ended",
        """
        examples:
          preppath-workers group evaluation interview-7
          preppath-workers group evaluation interview-7 --close

        A group has ended when all of its jobs have ended and no more will be added: it has as
        many as its size, or it is closed.

        exit codes: 0 group found; 1 no such group; 69 Redis does not answer;
        78 the configuration is wrong
        """,
    )
    add_queue_argument(parser)
    parser.add_argument("group", metavar="GROUP", help="the group's name")
    parser.add_argument("--close", action="store_true", help="close the group: no more jobs will be added")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Show the group. Raises ConfigError."""
    queue = open_queue(args)
    group = queue.close_group(args.group) if args.close else queue.group(args.group)
    if group is None:
        print_error(f"group: queue {queue.name} has no group {args.group!r}")
        return EXIT_FAILED
    if args.json:
        print_json(group.to_dict(), indent=2)
        return 0
    for name, text in _shown(queue, group):
        print_line(f"{name:<11} {text}")
    return 0


def _shown(queue: Queue, group: Group) -> list[tuple[str, str]]:
    shown = [("queue", group.queue), ("group", group.name), ("state", summary(group))]
    if group.has_ended and group.ended_at:
        shown.append(("endedAt", moment(group.ended_at, queue.now())))
    return shown


def summary(group: Group) -> str:
    """Return how far the group is: `4 of 5 jobs have ended: 3 completed, 1 failed`."""
    ended, total = group.jobs - group.unfinished, max(group.jobs, group.size or 0)
    outcomes = ", ".join(f"{number} {name}" for name, number in group.outcomes.items() if number)
    found = f"{ended} of {total} jobs have ended" + (f": {outcomes}" if outcomes else "")
    return found if group.is_closed or group.size else f"{found}; more may come until it is closed"
