"""`preppath-workers run`: starts the workers."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .. import config, log
from ..handlers import KINDS
from ..handlers.kind import Handler, Trade
from ..processes import host, inbox
from ..settings import Config, QueueConfig
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
        choices=[kind.name for kind in KINDS],
        help="work this queue only; may be given several times; wins over QUEUES",
    )


def run(args: Namespace) -> int:
    """Runs a supervisor until it is stopped. Raises ConfigError."""
    host.open_standard_files()
    checks_only = getattr(args, "check_config", False)  # without a command there is no such option
    only: list[str] = args.only or []

    def load() -> Config:
        loaded = config.load(config.read_environment(args.config), [kind.defaults for kind in KINDS], only)
        # Not left to the first job: its failure, and that of all after it, would be the configuration's.
        from ..clients.database import Database

        Database(loaded.database_url)  # raises ConfigError for a URL that libpq can not read
        return loaded

    first = load()
    if checks_only:
        return 0
    log.configure(first.log, first.secrets())
    # From here on a stop is an orderly one; for the first process of a container, one that is heard at all.
    inbox.hold()
    # Loaded only here: with the vendors' libraries these take a second, which other commands need not wait.
    from ..clients.services import Services
    from ..processes.supervisor import Supervisor
    from ..queue.scripts import scripts

    scripts()  # read once, for all children
    handlers: dict[str, Handler] = {}
    _learn(first.queues, handlers)

    def load_again() -> Config:
        loaded = load()
        _learn(loaded.queues, handlers)
        # Last: where any of it fails, the old one stays in force, its secrets still unsaid.
        log.configure(loaded.log, loaded.secrets())
        return loaded

    return Supervisor(first, Trade(handlers, Services), load_again).run()


def _learn(queues: Sequence[QueueConfig], handlers: dict[str, Handler]) -> None:
    """Loads what these queues need and no other did."""
    wanted = {queue.name for queue in queues} - handlers.keys()
    handlers.update({kind.name: kind.load() for kind in KINDS if kind.name in wanted})
