"""Parses the command line, runs the command and reports its errors."""

from __future__ import annotations

import gc
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from functools import partial

from redis.exceptions import RedisError

from .. import __version__
from ..config.load import EX_CONFIG
from ..errors import ConfigError, NotReplicated
from ..store.refusals import summary_of
from . import run as run_command
from .arguments import CONFIG_HELP, EXIT_UNAVAILABLE, file_name
from .commands import modules_for
from .terminal import accept_every_character, print_error, run_with_output


def run(words: Sequence[str]) -> int:
    """Run the command that the words of the command line give. Returns its exit code."""
    accept_every_character()
    return run_with_output("preppath-workers", partial(_run, words))


def _run(words: Sequence[str]) -> int:
    try:
        args = _parse(words)
        _collect_garbage()
        return int(args.run(args))
    except ConfigError as error:
        for problem in error.problems:
            print_error(f"preppath-workers: {problem}")
        return EX_CONFIG
    except NotReplicated as error:
        print_error(f"preppath-workers: {error}")
        return EXIT_UNAVAILABLE
    except RedisError as error:
        print_error(f"preppath-workers: {summary_of(error)}")
        return EXIT_UNAVAILABLE
    except KeyboardInterrupt:
        return 130


def _collect_garbage() -> None:
    """Begin, if `main` has put it off, and leave out what was imported until now."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def _parse(words: Sequence[str]) -> Namespace:
    parser = _parser(words)
    args, unknown = parser.parse_known_args(words)
    if unknown:
        args.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    if args.only and args.command not in (None, "run"):
        parser.error(f"--queue chooses which workers to start; {args.command} does not accept it")
    return args


def _parser(words: Sequence[str]) -> ArgumentParser:
    parser = ArgumentParser(
        prog="preppath-workers",
        description="Run and control PrepPath's background workers on reliable Redis queues.",
        epilog="Without a command, starts the workers of every queue. See also COMMAND --help.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("--config", type=file_name, metavar="FILE", help=CONFIG_HELP)
    run_command.add_queue_option(parser)
    parser.set_defaults(run=run_command.run, parser=parser)
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND")
    for command in modules_for(words):
        command.add_parser(subparsers)
    return parser
