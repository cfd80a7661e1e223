"""Reads the configuration from the environment and an `.env` file.

Environment variables override the file. All problems are found in one pass and reported together, with the
variable's name and the expected value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import ConfigError
from . import database, queues, telemetry, vendors
from . import redis as config_redis
from .budget import Budget
from .certificates import trusted
from .env import Environment, read_part
from .env_file import read_env_file
from .exported import export, real_environment
from .model import Config, LogConfig, QueueConfig, RedisConfig
from .prices import Prices, load_prices
from .proxies import check_proxies, proxies

#: Exit code for a wrong configuration (EX_CONFIG of sysexits.h).
EX_CONFIG = 78


def read_environment(path: str | Path | None = None) -> dict[str, str]:
    """Return the variables of the `.env` file at `path`, overridden by those of the process.

    An empty environment variable counts as not set and overrides nothing. The certificates to trust and the
    proxies to use are put into the process's environment, where the libraries look for them.

    Raises ConfigError if the file or the certificates cannot be read.
    """
    real = real_environment()
    if path is None:
        _export(real)
        return real
    variables = {**{name: value for name, value in read_env_file(path).items() if value}, **real}
    _export(variables)
    return variables


def _export(variables: Mapping[str, str]) -> None:
    export({**trusted(variables), **proxies(variables)})


def load(
    variables: Mapping[str, str | None], defaults: Sequence[QueueConfig], only: Sequence[str] = ()
) -> Config:
    """Return the whole configuration, for a process that runs workers.

    Args:
        variables: as `read_environment` returns them.
        defaults: all queues with their default settings.
        only: names of the queues to work on, instead of `QUEUES`.

    The settings of services that no queue in `defaults` uses are optional.

    Raises ConfigError with all problems.
    """

    def read(environment: Environment) -> Config:
        config = _config(environment, defaults, only)
        if config.webhook.url or config.services & {"openai", "storage"}:
            check_proxies(environment, variables)
        return config

    return read_part(variables, read)


def _config(environment: Environment, defaults: Sequence[QueueConfig], only: Sequence[str]) -> Config:
    chosen = queues.queues(environment, defaults, only)
    services = frozenset(name.partition(".")[0] for queue in defaults for name in queue.services)
    return Config(
        redis=config_redis.redis(environment),
        openai=vendors.openai(environment, chosen, required="openai" in services),
        storage=vendors.storage(environment, required="storage" in services),
        database_url=database.database_url(environment, required="database" in services),
        webhook=vendors.webhook(environment),
        queues=chosen,
        log=_log(environment),
        services=services,
        sentry_dsn=telemetry.sentry_dsn(environment),
        sentry_environment=environment.text("SENTRY_ENVIRONMENT") or None,
        otlp_endpoint=telemetry.otlp_endpoint(environment),
        lease=environment.seconds("LEASE_SECONDS", Config.lease, minimum=2),
        probe_interval=environment.seconds("PROBE_SECONDS", Config.probe_interval, minimum=1),
        outage_patience=environment.seconds("OUTAGE_PATIENCE", Config.outage_patience, minimum=60),
        backoff_jitter=environment.fraction("BACKOFF_JITTER", Config.backoff_jitter),
        shutdown_grace=environment.seconds("SHUTDOWN_GRACE", Config.shutdown_grace, minimum=0),
        max_memory_mb=environment.integer("MAX_MEMORY_MB", Config.max_memory_mb, minimum=0),
        max_jobs_per_child=environment.integer("MAX_JOBS_PER_CHILD", Config.max_jobs_per_child, minimum=0),
        immortal_objects=environment.flag("IMMORTAL_OBJECTS", Config.immortal_objects),
        keep_completed_seconds=environment.seconds(
            "KEEP_COMPLETED_SECONDS", Config.keep_completed_seconds, minimum=60
        ),
        keep_completed_count=environment.integer(
            "KEEP_COMPLETED_COUNT", Config.keep_completed_count, minimum=0, maximum=1_000_000
        ),
        prices=prices(environment),
        budget=_budget(environment),
        ledger_days=environment.integer("LEDGER_DAYS", Config.ledger_days, minimum=1, maximum=3_650),
        ledger_rows=ledger_rows(environment),
    )


def load_redis(variables: Mapping[str, str | None]) -> RedisConfig:
    """Return how to reach Redis, for producers and for commands that only use queues."""
    return read_part(variables, config_redis.redis)


def load_log(variables: Mapping[str, str | None]) -> LogConfig:
    """Return how to log, for commands that run for long. Raises ConfigError."""
    return read_part(variables, _log)


def load_otlp_endpoint(variables: Mapping[str, str | None]) -> str | None:
    """Return the collector that traces are sent to; None for nowhere. Raises ConfigError."""
    return read_part(variables, telemetry.otlp_endpoint)


def load_job_modules(variables: Mapping[str, str | None], default: str) -> tuple[str, ...]:
    """Return the names of the modules in `JOBS`, which define the jobs."""
    return read_part(variables, lambda environment: _job_modules(environment, default))


def load_database_url(variables: Mapping[str, str | None]) -> str:
    """Return the database's URL, for commands that need nothing else."""
    return read_part(variables, lambda environment: database.database_url(environment, required=True))


def load_ledger_rows(variables: Mapping[str, str | None]) -> bool:
    """Return whether paid requests are to become rows of the database. Raises ConfigError."""
    return read_part(variables, ledger_rows)


def load_queues(
    variables: Mapping[str, str | None], defaults: Sequence[QueueConfig]
) -> tuple[QueueConfig, ...]:
    """Return the settings of each queue, for commands that show them."""
    return read_part(variables, lambda environment: queues.queues(environment, defaults, ()))


def load_budget(variables: Mapping[str, str | None]) -> Budget:
    """Return the caps on spending that are not those of one queue. Raises ConfigError."""
    return read_part(variables, _budget)


def _job_modules(environment: Environment, default: str) -> tuple[str, ...]:
    names = [name.strip() for name in environment.text("JOBS", default).split(",") if name.strip()]
    if not names or not all(re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", name) for name in names):
        environment.problem("JOBS", "names of Python modules such as app.jobs, with commas between them")
    return tuple(names)


def _budget(environment: Environment) -> Budget:
    return Budget(environment.caps("BUDGET"), environment.caps("BUDGET_USER"))


def _log(environment: Environment) -> LogConfig:
    return LogConfig(
        level=environment.choice("LOG_LEVEL", LogConfig.level, ("debug", "info", "warning", "error")),
        format=environment.choice("LOG_FORMAT", LogConfig.format, ("auto", "json", "text")),
        job_data=environment.flag("LOG_JOB_DATA", LogConfig.job_data),
    )


def prices(environment: Environment) -> Prices:
    """Return what vendors charge. Problems are recorded in `environment`."""
    path = environment.text("OPENAI_PRICES").strip()
    try:
        return load_prices(Path(path) if path else None)
    except ConfigError as error:
        environment.problem("OPENAI_PRICES", f"a file like config/prices.toml of the package; {error}")
        return load_prices()


def ledger_rows(environment: Environment) -> bool:
    """Return whether paid requests are to become rows. Problems are recorded in `environment`."""
    return environment.flag("LEDGER_ROWS", Config.ledger_rows)
