"""`preppath-workers script`: print a script that producers in other languages call."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from ..queue.contract import CONTRACT, SCRIPTS
from .arguments import add_command
from .terminal import print_line

if TYPE_CHECKING:
    from .arguments import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        subparsers,
        "script",
        "print a Lua script for producers in other languages",
        """
        examples:
          preppath-workers script --list
          preppath-workers script enqueue > enqueue.lua

        The first line of each script names the version of its contract; the lines below
        it document its arguments and answers.

        exit codes: 0 printed
        """,
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("name", nargs="?", choices=SCRIPTS, metavar="NAME", help="the script's name")
    which.add_argument("--list", action="store_true", help="list the scripts")
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Print the script, or the list."""
    if args.list or args.name is None:
        for script in SCRIPTS.values():
            print_line(f"{script.name:<11} contract {CONTRACT}: {script.summary}")
        return 0
    for line in SCRIPTS[args.name].text.splitlines():
        print_line(line)
    return 0
