"""Starts the workers: from the command line, and from Python."""

from __future__ import annotations

import gc
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from .. import log
from ..clients.later_packages import run_all
from ..clients.services import Services
from ..config import load as config
from ..config.env_file import refuse_second_read
from ..config.exported import real_environment
from ..config.model import Config
from ..errors import ConfigError
from ..jobs import JOB_TYPES
from ..jobs.loading import OWN_JOBS, load_job_types, no_such_queue
from ..log import fields
from ..registry import Handler, JobType, Registry
from .processes import host, malloc, signals
from .telemetry.around import Hook, surround

logger = logging.getLogger(__name__)


def run_workers(
    *jobs: JobType | ModuleType | str,
    env_file: str | Path | None = None,
    queues: Sequence[str] = (),
    burst: bool = False,
    around: Hook | None = None,
) -> int:
    """Run workers until a signal stops them, as `preppath-workers run` does. Returns the exit code.

    Call it from the main thread of a process that has no other threads and no connections: it forks.

    Args:
        jobs: job types, or modules (or their names) that define some; those of `JOBS` without any.
        env_file: a file of variables; those of the process override it.
        queues: names of the queues to work on, in place of `QUEUES`.
        burst: stop when no job waits, runs or is due within a minute.
        around: called with the JobContext of each attempt, in a worker; the handler runs inside the context
            manager that it returns, and its errors pass through.

    Raises ConfigError.
    """
    return Workers(jobs, env_file, queues, burst, around).run()


class Workers:
    """The workers of one configuration, which is read again on SIGHUP."""

    def __init__(
        self,
        jobs: Sequence[JobType | ModuleType | str],
        env_file: str | Path | None,
        only: Sequence[str],
        burst: bool = False,
        around: Hook | None = None,
    ) -> None:
        self._jobs = jobs
        self._env_file = env_file
        self._only = only
        self._burst = burst
        self._around = around
        self._job_types: Sequence[JobType] = ()
        #: The variables that only the configuration file sets.
        self._names_in_file: Sequence[str] = ()
        #: As they were loaded, and inside the hooks of the latest configuration.
        self._loaded: dict[str, Handler] = {}
        self._handlers: dict[str, Handler] = {}

    def load(self) -> Config:
        """Read and check the configuration, without any effect. Raises ConfigError."""
        if self._job_types:
            refuse_second_read(self._env_file)
        variables = config.read_environment(self._env_file)
        real = real_environment()
        self._names_in_file = [name for name in variables if name not in real]
        self._job_types = load_job_types(self._jobs or config.load_job_modules(variables, OWN_JOBS))
        names = [job_type.name for job_type in self._job_types]
        problems = [no_such_queue(name, names) for name in dict.fromkeys(self._only) if name not in names]
        try:
            loaded = config.load(variables, [job_type.defaults for job_type in self._job_types], self._only)
        except ConfigError as error:
            raise ConfigError(*problems, *error.problems) from error
        if problems:
            raise ConfigError(*problems)
        if loaded.database_url:
            # Checked here, because a wrong URL would fail every job.
            from ..clients.postgres.client import Database

            Database(loaded.database_url)  # raises ConfigError for a URL that libpq cannot parse
        return replace(loaded, burst=self._burst)

    def run(self) -> int:
        """Run a supervisor until it is stopped. Returns the exit code. Raises ConfigError."""
        host.open_standard_files()
        malloc.return_freed_memory()
        first = self.load()
        log.configure(first.log, first.secrets())
        self._warn_of_misspelt_names()
        # From here on a stop signal shuts down in order; PID 1 of a container would ignore it otherwise.
        with signals.blocked():
            gc.disable()  # until the supervisor has begun: nearly all that is loaded now stays
            try:
                return self._run(first)
            finally:
                gc.enable()

    def _run(self, first: Config) -> int:
        # Imported here, because the vendors' libraries would slow down every other command.
        from ..store.consuming.script_loading import load_commands
        from ..store.scripts import scripts
        from .supervisor import Supervisor

        # Before the workers are forked, so that they share them.
        tuple(scripts().values())
        load_commands()
        self._load_handlers(first)
        registry = Registry(self._handlers, self._preloaded_services)
        return Supervisor(first, registry, self.load, self._apply).run()

    def _apply(self, loaded: Config) -> None:
        self._load_handlers(loaded)
        # Last: if anything fails, the old configuration stays in force, and its secrets stay redacted.
        log.configure(loaded.log, loaded.secrets())
        self._warn_of_misspelt_names()

    def _warn_of_misspelt_names(self) -> None:
        """Log the variables of the configuration file that nothing reads, and which ones they resemble."""
        if not self._names_in_file:
            return
        from ..config.names import misspelt  # lazy: containers have no file

        defaults = [job_type.defaults for job_type in self._job_types]
        for name, meant in misspelt(self._names_in_file, defaults).items():
            logger.warning(
                "Variable is misspelt, so it has no effect", extra=fields(variable=name, meant=meant)
            )

    def _load_handlers(self, loaded: Config) -> None:
        """Load the missing handlers of the configured queues, and put all handlers inside the hooks."""
        wanted = {queue.name for queue in loaded.queues} - self._loaded.keys()
        for job_type in self._job_types:
            if job_type.name in wanted:
                try:
                    self._loaded[job_type.name] = job_type.load()
                except TypeError as error:
                    raise ConfigError(f"cannot run the job {job_type.name}: {error}") from error
                except (Exception, SystemExit) as error:  # of what it imports
                    cause = f"{type(error).__name__}: {error}"
                    raise ConfigError(f"cannot run the job {job_type.name}: {cause}") from error
        hooks = [self._around] if self._around else []
        if loaded.sentry_dsn:
            from .telemetry.sentry import sentry_hook

            hooks.append(sentry_hook(loaded.sentry_dsn, loaded.sentry_environment, loaded.secrets()))
        if loaded.otlp_endpoint:
            from .telemetry.tracing import tracing_hook

            hooks.append(tracing_hook(loaded.otlp_endpoint))
        for name, handler in self._loaded.items():
            for hook in hooks:
                handler = surround(handler, hook)
            self._handlers[name] = handler

    def _preloaded_services(self, loaded: Config) -> Services:
        """Return the clients for workers that are forked later."""
        services = Services(loaded)
        services.preload({name for queue in loaded.queues for name in queue.services})
        if any(job_type not in JOB_TYPES for job_type in self._job_types):
            run_all()  # handlers of others may have threads
        return services
