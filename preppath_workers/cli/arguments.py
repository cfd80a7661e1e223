"""What the commands' parsers share."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from collections.abc import Sequence
from textwrap import dedent
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import _SubParsersAction  # argparse has no public name for it

    Subparsers = _SubParsersAction[ArgumentParser]

#: Exit codes beside 0 and argparse's own 2 for a wrong command line.
EXIT_FAILED, EXIT_UNAVAILABLE, EXIT_OUTPUT = 1, 69, 74  # EX_UNAVAILABLE and EX_IOERR of sysexits.h


def add_command(
    subparsers: Subparsers, name: str, summary: str, details: str, aliases: Sequence[str] = ()
) -> ArgumentParser:
    """Adds a command's parser; `details` has an example and the exit codes."""
    parser = subparsers.add_parser(
        name,
        aliases=aliases,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=dedent(details),
        formatter_class=RawDescriptionHelpFormatter,
    )
    # Without a default of its own it leaves alone what stood before the command's name.
    parser.add_argument("--config", metavar="FILE", default=SUPPRESS, help=CONFIG_HELP)
    # Whose usage is shown for words that no parser knows: the innermost command's.
    parser.set_defaults(parser=parser)
    return parser


def whole_number(word: str) -> int:
    """For `type=`: 0 or more."""
    if not word.isascii() or not word.isdigit():
        raise ArgumentTypeError(f"{word!r} is not a whole number")
    return int(word)


def positive_number(word: str) -> int:
    """For `type=`: 1 or more."""
    number = whole_number(word)
    if not number:
        raise ArgumentTypeError("0 is not allowed: 1 is the least")
    return number


CONFIG_HELP = "read variables from this .env file too; real environment variables win over it"
