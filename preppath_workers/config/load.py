"""Reads the configuration from the environment and an `.env` file.

Environment variables override the file. All problems are found in one pass and reported together, with the
variable's name and the expected value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from urllib.parse import urlsplit

from dotenv import dotenv_values

from ..errors import ConfigError
from . import redis as config_redis
from . import vendors
from .budget import Budget
from .certificates import real_environment, trust
from .env import Environment, has_host
from .model import Config, LogConfig, QueueConfig, RedisConfig
from .prices import Prices, load_prices

#: Exit code for a wrong configuration (EX_CONFIG of sysexits.h).
EX_CONFIG = 78


def read_environment(path: str | Path | None = None) -> dict[str, str]:
    """Return the variables of the `.env` file at `path`, overridden by those of the process.

    An empty environment variable counts as not set and overrides nothing. The certificates to trust are put
    into the process's environment, where the libraries look for them.

    Raises ConfigError if the file or the certificates cannot be read.
    """
    real = real_environment()
    if path is None:
        trust(real)
        return real
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ConfigError(f"cannot read --config {path}: {reason}") from error
    values = dotenv_values(stream=StringIO(text), interpolate=False)
    variables = {**{name: value for name, value in values.items() if value}, **real}
    trust(variables)
    return variables


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
    environment = Environment(variables)
    queues = _queues(environment, defaults, only)
    services = frozenset(service for queue in defaults for service in queue.services)
    config = Config(
        redis=config_redis.redis(environment),
        openai=vendors.openai(environment, queues, required="openai" in services),
        storage=vendors.storage(environment, required="storage" in services),
        database_url=_database_url(environment, required="database" in services),
        webhook=vendors.webhook(environment),
        queues=queues,
        log=_log(environment),
        all_queues=tuple(queue.name for queue in defaults),
        services=services,
        sentry_dsn=_sentry_dsn(environment),
        sentry_environment=environment.text("SENTRY_ENVIRONMENT") or None,
        otlp_endpoint=_otlp_endpoint(environment),
        lease=environment.seconds("LEASE_SECONDS", Config.lease, minimum=2),
        probe_interval=environment.seconds("PROBE_SECONDS", Config.probe_interval, minimum=1),
        outage_patience=environment.seconds("OUTAGE_PATIENCE", Config.outage_patience, minimum=60),
        backoff_jitter=environment.fraction("BACKOFF_JITTER", Config.backoff_jitter),
        shutdown_grace=environment.seconds("SHUTDOWN_GRACE", Config.shutdown_grace, minimum=0),
        max_memory_mb=environment.integer("MAX_MEMORY_MB", Config.max_memory_mb, minimum=0),
        max_jobs_per_child=environment.integer("MAX_JOBS_PER_CHILD", Config.max_jobs_per_child, minimum=0),
        keep_completed_seconds=environment.seconds(
            "KEEP_COMPLETED_SECONDS", Config.keep_completed_seconds, minimum=60
        ),
        keep_completed_count=environment.integer(
            "KEEP_COMPLETED_COUNT", Config.keep_completed_count, minimum=0, maximum=1_000_000
        ),
        prices=_prices(environment),
        budget=_budget(environment),
        ledger_days=environment.integer("LEDGER_DAYS", Config.ledger_days, minimum=1, maximum=3_650),
    )
    environment.raise_problems()
    return config


def load_redis(variables: Mapping[str, str | None]) -> RedisConfig:
    """Return how to reach Redis, for producers and for commands that only use queues."""
    environment = Environment(variables)
    redis = config_redis.redis(environment)
    environment.raise_problems()
    return redis


def load_log(variables: Mapping[str, str | None]) -> LogConfig:
    """Return how to log, for commands that run for long. Raises ConfigError."""
    environment = Environment(variables)
    config = _log(environment)
    environment.raise_problems()
    return config


def load_job_modules(variables: Mapping[str, str | None], default: str) -> tuple[str, ...]:
    """Return the names of the modules in `JOBS`, which define the jobs."""
    environment = Environment(variables)
    names = [name.strip() for name in environment.text("JOBS", default).split(",") if name.strip()]
    if not all(re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", name) for name in names):
        environment.problem("JOBS", "names of Python modules such as app.jobs, with commas between them")
    environment.raise_problems()
    return tuple(names)


def load_database_url(variables: Mapping[str, str | None]) -> str:
    """Return the database's URL, for commands that need nothing else."""
    environment = Environment(variables)
    url = _database_url(environment, required=True)
    environment.raise_problems()
    return url


def load_queues(
    variables: Mapping[str, str | None], defaults: Sequence[QueueConfig]
) -> tuple[QueueConfig, ...]:
    """Return the settings of each queue, for commands that show them."""
    environment = Environment(variables)
    queues = _queues(environment, defaults, ())
    environment.raise_problems()
    return queues


def load_budget(variables: Mapping[str, str | None]) -> Budget:
    """Return the caps on spending that are not those of one queue. Raises ConfigError."""
    environment = Environment(variables)
    budget = _budget(environment)
    environment.raise_problems()
    return budget


def _budget(environment: Environment) -> Budget:
    return Budget(environment.caps("BUDGET"), environment.caps("BUDGET_USER"))


def _database_url(environment: Environment, required: bool) -> str:
    expected = "a URL such as postgresql://user:password@host:5432/preppath"
    url = environment.required("DATABASE_URL", expected) if required else environment.text("DATABASE_URL")
    url = url.strip()
    if not url:
        return ""
    from .database_url import parse_url  # lazy: most commands do not need libpq

    if not url.startswith(("postgresql://", "postgres://")) or not url.isprintable():
        environment.problem("DATABASE_URL", "a URL that starts with postgresql:// or postgres://")
        return ""
    try:
        hosts = parse_url(url).parameters.get("host", "").split(",")
    except ValueError as error:
        environment.problem("DATABASE_URL", str(error))
        return ""
    if not all(map(_is_database_host, hosts)):
        environment.problem("DATABASE_URL", "a host name, an address or a socket's folder")
    return url


def _is_database_host(host: str) -> bool:
    """Return whether libpq accepts the host; empty is its default host."""
    if not host or host.startswith(("/", "@")):
        return True
    try:
        return has_host(urlsplit(f"//[{host}]" if ":" in host else f"//{host}"))
    except ValueError:
        return False


def _prices(environment: Environment) -> Prices:
    path = environment.text("OPENAI_PRICES").strip()
    try:
        return load_prices(Path(path) if path else None)
    except ConfigError as error:
        environment.problem("OPENAI_PRICES", f"a file like config/prices.toml of the package; {error}")
        return load_prices()


def _sentry_dsn(environment: Environment) -> str | None:
    dsn = environment.url("SENTRY_DSN", "", ("https", "http"))
    if dsn and find_spec("sentry_sdk") is None:
        environment.problem("SENTRY_DSN", "the Python package sentry-sdk: pip install sentry-sdk")
    return dsn or None


def _otlp_endpoint(environment: Environment) -> str | None:
    endpoint = environment.url("OTEL_EXPORTER_OTLP_ENDPOINT", "", ("http", "https"))
    if endpoint and not (find_spec("opentelemetry") and find_spec("opentelemetry.exporter.otlp.proto.http")):
        environment.problem(
            "OTEL_EXPORTER_OTLP_ENDPOINT", 'the extra otel: pip install "preppath-workers[otel]"'
        )
    return endpoint or None


def _log(environment: Environment) -> LogConfig:
    return LogConfig(
        level=environment.choice("LOG_LEVEL", LogConfig.level, ("debug", "info", "warning", "error")),
        format=environment.choice("LOG_FORMAT", LogConfig.format, ("auto", "json", "text")),
        job_data=environment.flag("LOG_JOB_DATA", LogConfig.job_data),
    )


def _queues(
    environment: Environment, defaults: Sequence[QueueConfig], only: Sequence[str]
) -> tuple[QueueConfig, ...]:
    by_name = {queue.name: queue for queue in defaults}
    listed = [name.strip() for name in environment.text("QUEUES").split(",") if name.strip()]
    if any(name not in by_name for name in listed):
        environment.problem("QUEUES", f"names out of {', '.join(by_name)}, with commas between them")
        listed = []  # the settings of all queues are read, so that their mistakes are reported too
    enabled = [queue.name for queue in defaults if not queue.needs or environment.text(queue.needs).strip()]
    chosen = dict.fromkeys(only or listed or enabled)
    return tuple(_queue(environment, by_name[name]) for name in chosen if name in by_name)


def _queue(environment: Environment, default: QueueConfig) -> QueueConfig:
    variable = default.variable_prefix
    return replace(
        default,
        concurrency=environment.integer(
            variable + "CONCURRENCY", default.concurrency, minimum=1, maximum=1_000
        ),
        rate_limit=environment.rate_limit(variable + "RATE_LIMIT", default.rate_limit),
        retries=environment.integer(variable + "RETRIES", default.retries, minimum=0, maximum=30),
        backoff=environment.seconds(variable + "BACKOFF", default.backoff, minimum=0),
        backoff_max=environment.seconds(variable + "BACKOFF_MAX", default.backoff_max, minimum=0),
        timeout=environment.seconds(variable + "TIMEOUT", default.timeout, minimum=1),
        recoveries=environment.integer(variable + "RECOVERIES", default.recoveries, minimum=0),
        fair_by=_fair_by(environment, variable + "FAIR_BY", default.fair_by),
        budget=environment.caps(variable + "BUDGET"),
    )


def _fair_by(environment: Environment, variable: str, default: str) -> str:
    field = environment.text(variable).strip() or default
    if len(field) > 100 or not field.isprintable():
        environment.problem(variable, "the name of a field of the job's data, or none")
    return "" if field.lower() == "none" else field
