"""Shared parts of the commands' argument parsers."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from textwrap import dedent
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import _SubParsersAction  # argparse has no public name for it

    Subparsers = _SubParsersAction[ArgumentParser]

#: Exit codes besides 0 and argparse's 2 for a usage error.
EXIT_FAILED, EXIT_UNAVAILABLE, EXIT_OUTPUT = 1, 69, 74  # EX_UNAVAILABLE and EX_IOERR of sysexits.h

_HIGHEST_PORT = 65_535

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
    parser.add_argument("--config", type=file_name, metavar="FILE", default=SUPPRESS, help=CONFIG_HELP)
    # Usage errors show the usage of the innermost command.
    parser.set_defaults(parser=parser)
    return parser


def refuse_with(args: Namespace, other: str, *options: str) -> None:
    """End the program with a usage error if one of these options was given: with `other` it would be ignored.

    They are None, False or empty unless they are given.
    """
    for option in options:
        if is_given(args, option):
            args.parser.error(f"{option} has no effect with {other}")


def refuse_without(args: Namespace, other: str, *options: str) -> None:
    """The same if they were given without `other`, which was not."""
    for option in options:
        if is_given(args, option):
            args.parser.error(f"{option} has no effect without {other}")


def is_given(args: Namespace, option: str) -> bool:
    """Return whether the option was given."""
    value = getattr(args, option.removeprefix("--").replace("-", "_"))
    return value is not None and value is not False and value != []


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


def port_number(word: str) -> int:
    """Return the port, 0 to 65535; for `type=`."""
    number = whole_number(word)
    if number > _HIGHEST_PORT:
        raise ArgumentTypeError(f"must be {_HIGHEST_PORT} or less, not {word}")
    return number


def host_name(word: str) -> str:
    """Return the host name or address; for `type=`."""
    try:
        is_name = word.isprintable() and word.encode("idna") != b""
    except UnicodeError:  # a part is empty or too long, or it isn't UTF-8
        is_name = False
    if not is_name:
        raise ArgumentTypeError(f"{word!r} is not a host name or address")
    return word


def file_name(word: str) -> str:
    """Return the file's name; for `type=`."""
    if not word:
        raise ArgumentTypeError("expected the name of a file, not an empty one")
    return word


def utf8_text(word: str) -> str:
    """Return the text; for `type=`."""
    try:
        encoded = word.encode()
    except UnicodeEncodeError:
        encoded = b""
    if not encoded:
        raise ArgumentTypeError(f"{word!r} is empty or not UTF-8")
    return word


def priority(word: str) -> int:
    """Return the priority, 1 to 100; for `type=`."""
    from ..queue import check_priority

    try:
        check_priority(number := whole_number(word))
    except (ValueError, ArgumentTypeError):
        raise ArgumentTypeError(f"{word!r} is not a whole number from 1 to 100") from None
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
