"""Shared parts of the commands' argument parsers."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from collections.abc import Sequence
from textwrap import dedent
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import _SubParsersAction  # argparse has no public name for it

    Subparsers = _SubParsersAction[ArgumentParser]

#: Exit codes besides 0 and argparse's 2 for a usage error.
EXIT_FAILED, EXIT_UNAVAILABLE, EXIT_OUTPUT = 1, 69, 74  # EX_UNAVAILABLE and EX_IOERR of sysexits.h

#: Digits of a whole number.
_MOST_DIGITS = 15


def add_command(
    subparsers: Subparsers, name: str, summary: str, details: str, aliases: Sequence[str] = ()
) -> ArgumentParser:
    """Add and return a command's parser. `details`: an example and the exit codes."""
    parser = subparsers.add_parser(
        name,
        aliases=aliases,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=dedent(details),
        formatter_class=RawDescriptionHelpFormatter,
    )
    # SUPPRESS keeps a value that was given before the command's name.
    parser.add_argument("--config", metavar="FILE", default=SUPPRESS, help=CONFIG_HELP)
    # Usage errors show the usage of the innermost command.
    parser.set_defaults(parser=parser)
    return parser


def whole_number(word: str) -> int:
    """Return the number, 0 or more; for `type=`."""
    if not word.isascii() or not word.isdigit():
        raise ArgumentTypeError(f"{word!r} is not a whole number")
    if len(word) > _MOST_DIGITS:  # Redis refuses numbers above 2^63
        raise ArgumentTypeError(f"at most {_MOST_DIGITS} digits are allowed")
    return int(word)


def positive_number(word: str) -> int:
    """Return the number, 1 or more; for `type=`."""
    number = whole_number(word)
    if not number:
        raise ArgumentTypeError("must be 1 or more, not 0")
    return number


CONFIG_HELP = "read this .env file; environment variables override it"


def add_ages(parser: ArgumentParser) -> None:
    """Add --older-than and --newer-than, ms."""
    parser.add_argument(
        "--older-than",
        type=_age,
        metavar="AGE",
        help="select jobs in their state for AGE or more: 90s, 30m, 7d",
    )
    parser.add_argument(
        "--newer-than", type=_age, metavar="AGE", help="select jobs in their state for less than AGE"
    )


def _age(word: str) -> int:
    from ..store.reading.filtering import age_ms

    try:
        return age_ms(word)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None
