"""Reads the configuration, once, from the environment and an `.env` file.

Real environment variables win over the file. Everything wrong is found in one pass and reported together,
by the variable's name and what was expected of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path
from urllib.parse import urlsplit

from dotenv import dotenv_values

from ..errors import ConfigError
from . import redis as config_redis
from . import vendors
from .certificates import real_environment, trust
from .env import Environment, has_host
from .model import Config, LogConfig, QueueConfig, RedisConfig

#: Exit code of every command that finds its configuration wrong: EX_CONFIG of sysexits.h.
EX_CONFIG = 78


def read_environment(path: str | Path | None = None) -> dict[str, str]:
    """The variables of the `.env` file at `path`, under those of the process. A real variable that is empty
    counts as not set, and hides nothing. Certificates to trust are put into the process's environment, where
    the libraries look for them.

    Raises ConfigError when the file can not be read, and for certificates that cannot.
    """
    real = real_environment()
    if path is None:
        trust(real)
        return real
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ConfigError(f"--config {path} can not be read: {reason}") from error
    values = dotenv_values(stream=StringIO(text), interpolate=False)
    variables = {**{name: value for name, value in values.items() if value}, **real}
    trust(variables)
    return variables


def load(
    variables: Mapping[str, str | None], kinds: Sequence[QueueConfig], only: Sequence[str] = ()
) -> Config:
    """The whole configuration, for a process that works queues.

    `kinds` are the queues there are, with their defaults. `only` names those to work, in place of `QUEUES`.
    Raises ConfigError with every problem there is.
    """
    environment = Environment(variables)
    queues = _queues(environment, kinds, only)
    config = Config(
        redis=config_redis.redis(environment),
        openai=vendors.openai(environment, queues),
        storage=vendors.storage(environment),
        database_url=_database_url(environment),
        webhook=vendors.webhook(environment),
        queues=queues,
        log=_log(environment),
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
    )
    environment.raise_problems()
    return config


def load_redis(variables: Mapping[str, str | None]) -> RedisConfig:
    """Where the queues are, for commands that only look at them or add to them."""
    environment = Environment(variables)
    redis = config_redis.redis(environment)
    environment.raise_problems()
    return redis


def load_database_url(variables: Mapping[str, str | None]) -> str:
    """Where the database is, for commands that need nothing else."""
    environment = Environment(variables)
    url = _database_url(environment)
    environment.raise_problems()
    return url


def load_queues(variables: Mapping[str, str | None], kinds: Sequence[QueueConfig]) -> tuple[QueueConfig, ...]:
    """How each queue is worked, for commands that show it."""
    environment = Environment(variables)
    queues = _queues(environment, kinds, ())
    environment.raise_problems()
    return queues


def _database_url(environment: Environment) -> str:
    from .database_url import parse_url  # here, because commands that only look at queues need no libpq

    url = environment.required(
        "DATABASE_URL", "a URL such as postgresql://user:password@host:5432/preppath"
    ).strip()
    if not url:
        return ""
    if not url.startswith(("postgresql://", "postgres://")) or not url.isprintable():
        environment.problem("DATABASE_URL", "a URL that starts with postgresql:// or postgres://")
        return ""
    try:
        hosts = parse_url(url).parameters.get("host", "").split(",")
    except ValueError as error:
        environment.problem("DATABASE_URL", str(error))
        return ""
    if not all(map(_is_database_host, hosts)):
        environment.problem("DATABASE_URL", "a host's name, an address or a socket's folder")
    return url


def _is_database_host(host: str) -> bool:
    """Whether libpq can look for a server there; the empty host is its default."""
    if not host or host.startswith(("/", "@")):
        return True
    try:
        return has_host(urlsplit(f"//[{host}]" if ":" in host else f"//{host}"))
    except ValueError:
        return False


def _log(environment: Environment) -> LogConfig:
    return LogConfig(
        level=environment.choice("LOG_LEVEL", LogConfig.level, ("debug", "info", "warning", "error")),
        format=environment.choice("LOG_FORMAT", LogConfig.format, ("auto", "json", "text")),
        job_data=environment.flag("LOG_JOB_DATA", LogConfig.job_data),
    )


def _queues(
    environment: Environment, kinds: Sequence[QueueConfig], only: Sequence[str]
) -> tuple[QueueConfig, ...]:
    by_name = {kind.name: kind for kind in kinds}
    listed = [name.strip() for name in environment.text("QUEUES").split(",") if name.strip()]
    if any(name not in by_name for name in listed):
        environment.problem("QUEUES", f"names out of {', '.join(by_name)}, with commas between them")
    usual = [kind.name for kind in kinds if not kind.needs or environment.text(kind.needs).strip()]
    chosen = dict.fromkeys(only or listed or usual)
    return tuple(_queue(environment, by_name[name]) for name in chosen if name in by_name)


def _queue(environment: Environment, kind: QueueConfig) -> QueueConfig:
    variable = kind.name.upper() + "_"
    return replace(
        kind,
        concurrency=environment.integer(variable + "CONCURRENCY", kind.concurrency, minimum=1, maximum=1_000),
        rate_limit=environment.rate_limit(variable + "RATE_LIMIT", kind.rate_limit),
        retries=environment.integer(variable + "RETRIES", kind.retries, minimum=0, maximum=30),
        backoff=environment.seconds(variable + "BACKOFF", kind.backoff, minimum=0),
        backoff_max=environment.seconds(variable + "BACKOFF_MAX", kind.backoff_max, minimum=0),
        timeout=environment.seconds(variable + "TIMEOUT", kind.timeout, minimum=1),
        recoveries=environment.integer(variable + "RECOVERIES", kind.recoveries, minimum=0),
    )
