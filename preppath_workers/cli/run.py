"""`preppath-workers run`: start the workers."""

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
    """Add the command."""
    parser = add_command(
        subparsers,
        "run",
        "start the workers (the default command)",
        """
        example:
          preppath-workers run --config .env --queue tts

        signals: TERM or INT stops after the active jobs, a second one at once;
        HUP reloads the configuration and replaces the workers one by one;
        TTIN adds a worker to each queue and TTOU removes one, until the next HUP

        exit codes: 0 stopped by a signal; 78 the configuration is wrong
        """,
    )
    add_queue_option(parser, default=SUPPRESS)
    parser.add_argument("--check-config", action="store_true", help="check the configuration and exit")
    parser.set_defaults(run=run)


def add_queue_option(parser: ArgumentParser, default: Any = None) -> None:
    """Add `--queue`, which is also accepted without a command."""
    parser.add_argument(
        "--queue",
        dest="only",
        action="append",
        default=default,
        choices=[job_type.name for job_type in JOB_TYPES],
        help="run only this queue (repeatable; overrides QUEUES)",
    )


def run(args: Namespace) -> int:
    """Run a supervisor until it is stopped. Raises ConfigError."""
    host.open_standard_files()
    checks_only = getattr(args, "check_config", False)  # missing without a command
    only: list[str] = args.only or []

    def load() -> Config:
        loaded = config.load(
            config.read_environment(args.config), [job_type.defaults for job_type in JOB_TYPES], only
        )
        # Checked here, because a wrong URL would fail every job.
        from ..clients.postgres.client import Database

        Database(loaded.database_url)  # raises ConfigError for a URL that libpq cannot parse
        return loaded

    first = load()
    if checks_only:
        return 0
    log.configure(first.log, first.secrets())
    # From here on a stop signal shuts down in order; PID 1 of a container would ignore it otherwise.
    signals.block()
    # Imported here, because the vendors' libraries would slow down every other command.
    from ..clients.services import Services
    from ..store.scripts import scripts
    from ..worker.supervisor import Supervisor

    scripts()  # read once, before forking the workers
    handlers: dict[str, Handler] = {}
    _load_registry(first.queues, handlers)

    def load_again() -> Config:
        loaded = load()
        _load_registry(loaded.queues, handlers)
        # Last: if anything fails, the old configuration stays in force, and its secrets stay redacted.
        log.configure(loaded.log, loaded.secrets())
        return loaded

    return Supervisor(first, Registry(handlers, Services), load_again).run()


def _load_registry(queues: Sequence[QueueConfig], handlers: dict[str, Handler]) -> None:
    """Load the handlers of these queues that are not loaded yet."""
    wanted = {queue.name for queue in queues} - handlers.keys()
    handlers.update({job_type.name: job_type.load() for job_type in JOB_TYPES if job_type.name in wanted})
