"""`preppath-workers run`: start the workers."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from .arguments import add_command

if TYPE_CHECKING:
    from .arguments import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        subparsers,
        "run",
        "start the workers (the default command)",
        """
        examples:
          preppath-workers run --config .env --queue tts
          preppath-workers run app.jobs

        MODULE defines jobs with @job. It is found in the current folder, in PYTHONPATH, or
        among the installed modules. Without MODULE, JOBS names the modules.

        signals:
          TERM, INT   stop after the active jobs; a second one stops at once
          HUP         reload the configuration and replace the workers one by one
          TTIN, TTOU  add a worker to each queue, or remove one, until the next HUP

        exit codes: 0 stopped by a signal, or --burst is done; 78 the configuration is wrong
        """,
    )
    parser.add_argument("modules", metavar="MODULE", nargs="*", help="run the jobs of this module")
    add_queue_option(parser, "more")
    ending = parser.add_mutually_exclusive_group()
    ending.add_argument(
        "--burst", action="store_true", help="stop when no job is left, or due within a minute"
    )
    ending.add_argument("--watch", action="store_true", help="restart the workers when the code changes")
    ending.add_argument("--check-config", action="store_true", help="check the configuration and exit")
    parser.set_defaults(run=run)


def add_queue_option(parser: ArgumentParser, dest: str = "only") -> None:
    """Add `--queue`, which is also accepted before the command, or without one."""
    parser.add_argument(
        "--queue",
        dest=dest,
        action="append",
        metavar="QUEUE",
        help="run only this queue (repeatable; overrides QUEUES)",
    )


def run(args: Namespace) -> int:
    """Run a supervisor until it is stopped. Raises ConfigError."""
    # Imported here, because main.py imports this module for every command.
    from ..worker import run as worker
    from .watch import watch

    modules: list[str] = getattr(args, "modules", [])  # missing without a command
    args.only = [*(args.only or ()), *(getattr(args, "more", None) or ())]
    if getattr(args, "watch", False):
        return watch(args)
    workers = worker.Workers(modules, args.config, args.only, getattr(args, "burst", False))
    if getattr(args, "check_config", False):
        workers.load()
        return 0
    return workers.run()
