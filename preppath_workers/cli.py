"""The command line: `preppath-workers [COMMAND]`; without a command it starts the workers."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from collections.abc import Sequence

from redis.exceptions import RedisError

from . import __version__
from .commands import check, control, dead, enqueue, health, init_db, jobs, queues, run, show, top
from .commands.arguments import CONFIG_HELP, EXIT_UNAVAILABLE
from .config import EX_CONFIG
from .errors import ConfigError


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    parser = _parser()
    args = parser.parse_args(arguments)
    if args.only and args.command not in (None, "run"):
        parser.error(f"--queue chooses which workers to start; {args.command} does not take it")
    try:
        return int(args.run(args))
    except ConfigError as error:
        for problem in error.problems:
            print(f"preppath-workers: {problem}", file=sys.stderr)
        return EX_CONFIG
    except RedisError as error:
        print(f"preppath-workers: Redis does not answer as it should: {error}", file=sys.stderr)
        return EXIT_UNAVAILABLE
    except BrokenPipeError:
        # Whoever read our output has seen enough. Python would complain once more when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="preppath-workers",
        description="PrepPath's background workers on reliable Redis queues.",
        epilog="Without a command the workers of every queue are started. COMMAND --help tells more.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("--config", metavar="FILE", help=CONFIG_HELP)
    run.add_queue_option(parser)
    parser.set_defaults(run=run.run)
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND")
    for command in (run, enqueue, queues, top, jobs, show, control, dead, health, check, init_db):
        command.add_parser(subparsers)
    return parser


if __name__ == "__main__":
    sys.exit(main())
