"""`preppath-workers run`: starts the workers."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .. import log
from ..config import load as config
from ..config.model import Config, QueueConfig
from ..jobs import JOB_TYPES
from ..registry import Handler, Registry
from ..worker import host, signals
from .arguments import add_command

if TYPE_CHECKING:
    from .arguments import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    """Adds the command."""
    parser = add_command(
        subparsers,
        "run",
        "start the workers of every queue, or of some (this is what no command means)",
        """
        example:
          preppath-workers run --config .env --queue tts

        signals: TERM or INT stop it after the jobs in hand, a second one at once;
        HUP reads the configuration again and replaces the workers one by one;
        TTIN adds a worker to each queue and TTOU takes one away, until the next HUP

        exit codes: 0 stopped as asked; 78 the configuration is wrong
        """,
    )
    add_queue_option(parser, default=SUPPRESS)
    parser.add_argument(
        "--check-config", action="store_true", help="read the configuration, tell what is wrong, and exit"
    )
    parser.set_defaults(run=run)


def add_queue_option(parser: ArgumentParser, default: Any = None) -> None:
    """Adds `--queue`, which the command line without a command has too."""
    parser.add_argument(
        "--queue",
        dest="only",
        action="append",
        default=default,
        choices=[job_type.name for job_type in JOB_TYPES],
        help="work this queue only; may be given several times; wins over QUEUES",
    )


def run(args: Namespace) -> int:
    """Runs a supervisor until it is stopped. Raises ConfigError."""
    host.open_standard_files()
    checks_only = getattr(args, "check_config", False)  # without a command there is no such option
    only: list[str] = args.only or []

    def load() -> Config:
        loaded = config.load(
            config.read_environment(args.config), [job_type.defaults for job_type in JOB_TYPES], only
        )
        # Not left to the first job: its failure, and that of all after it, would be the configuration's.
        from ..clients.postgres.client import Database

        Database(loaded.database_url)  # raises ConfigError for a URL that libpq can not read
        return loaded

    first = load()
    if checks_only:
        return 0
    log.configure(first.log, first.secrets())
    # From here on a stop is an orderly one; for the first process of a container, one that is heard at all.
    signals.block()
    # Loaded only here: with the vendors' libraries these take a second, which other commands need not wait.
    from ..clients.services import Services
    from ..store.scripts import scripts
    from ..worker.supervisor import Supervisor

    scripts()  # read once, for all children
    handlers: dict[str, Handler] = {}
    _load_registry(first.queues, handlers)

    def load_again() -> Config:
        loaded = load()
        _load_registry(loaded.queues, handlers)
        # Last: where any of it fails, the old one stays in force, its secrets still unsaid.
        log.configure(loaded.log, loaded.secrets())
        return loaded

    return Supervisor(first, Registry(handlers, Services), load_again).run()


def _load_registry(queues: Sequence[QueueConfig], handlers: dict[str, Handler]) -> None:
    """Loads what these queues need and no other did."""
    wanted = {queue.name for queue in queues} - handlers.keys()
    handlers.update({job_type.name: job_type.load() for job_type in JOB_TYPES if job_type.name in wanted})
