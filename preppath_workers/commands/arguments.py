"""What the commands' parsers share."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser, RawDescriptionHelpFormatter
from textwrap import dedent
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import _SubParsersAction  # argparse has no public name for it

    Subparsers = _SubParsersAction[ArgumentParser]

#: Exit codes beside 0 and argparse's own 2 for a wrong command line.
EXIT_FAILED, EXIT_UNAVAILABLE = 1, 69  # 69 is EX_UNAVAILABLE of sysexits.h


def add_command(subparsers: Subparsers, name: str, summary: str, details: str) -> ArgumentParser:
    """Adds a command's parser; `details` ends with an example and the exit codes."""
    parser = subparsers.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=dedent(details),
        formatter_class=RawDescriptionHelpFormatter,
    )
    # Without a default of its own it leaves alone what stood before the command's name.
    parser.add_argument("--config", metavar="FILE", default=SUPPRESS, help=CONFIG_HELP)
    return parser


CONFIG_HELP = "read variables from this .env file too; real environment variables win over it"
