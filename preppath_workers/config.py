"""The configuration: frozen values, read once from the environment and an `.env` file.

Real environment variables win over the file. Everything wrong is found in one pass and reported together,
by the variable's name and what was expected of it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from dotenv import dotenv_values

from .environment import Environment, RateLimit
from .errors import ConfigError

#: Exit code of every command that finds its configuration wrong: EX_CONFIG of sysexits.h.
EX_CONFIG = 78


@dataclass(frozen=True)
class QueueConfig:
    """How one queue is worked. The registry of handlers gives the defaults, `<QUEUE>_…` variables win."""

    name: str
    #: Children in one supervisor.
    concurrency: int = 1
    #: Starts allowed on all machines together; None for no limit.
    rate_limit: RateLimit | None = None
    #: Runs after the first one that a job's own failures may cause.
    retries: int = 3
    #: Seconds before the first retry; each further one waits twice as long.
    backoff: float = 1.0
    #: Seconds a job may run.
    timeout: float = 120.0
    #: Times a job is run again after its worker died under it.
    recoveries: int = 3


@dataclass(frozen=True)
class RedisConfig:
    """Where the queues are. The URL may hold a password, hence is never shown."""

    url: str = field(repr=False)
    prefix: str = "preppath"


@dataclass(frozen=True)
class OpenAIConfig:
    """The vendor's account and the models that are used."""

    api_key: str = field(repr=False)
    organization: str | None
    base_url: str | None
    evaluation_model: str
    transcription_model: str
    speech_model: str
    speech_voice: str


@dataclass(frozen=True)
class StorageConfig:
    """The S3 bucket. Without keys, boto3's own chain (instance role, profile) is asked."""

    bucket: str
    endpoint: str | None
    region: str
    access_key_id: str | None = field(repr=False)
    secret_access_key: str | None = field(repr=False)


@dataclass(frozen=True)
class LogConfig:
    """How logs look and what they may hold."""

    level: str = "info"
    #: json, text (colour), or auto: text on a terminal and json elsewhere.
    format: str = "auto"
    #: Whether the data of a job that failed for good is logged with it.
    job_data: bool = True


@dataclass(frozen=True)
class Config:
    """Everything a supervisor and its children need."""

    redis: RedisConfig
    openai: OpenAIConfig
    storage: StorageConfig
    database_url: str = field(repr=False)
    queues: tuple[QueueConfig, ...]
    log: LogConfig
    #: Seconds without a heartbeat after which an instance counts as dead.
    lease: float = 15.0
    #: Seconds that jobs in hand get to finish when the supervisor is asked to stop.
    shutdown_grace: float = 30.0
    #: MiB of resident memory over which a child is replaced after its job; 0 for no limit.
    max_memory_mb: int = 500
    #: Jobs after which a child is replaced; 0 for no limit.
    max_jobs_per_child: int = 0
    #: Seconds that a finished job can be looked up.
    keep_completed_seconds: float = 86_400.0
    #: How many recent completions `completed` lists.
    keep_completed_count: int = 1_000

    def secrets(self) -> tuple[str, ...]:
        """Every value that must not be seen in a log or an error, as it is and as a URL spells it."""
        passwords = (urlsplit(url).password or "" for url in (self.redis.url, self.database_url))
        spelled = [word for password in passwords for word in (password, unquote(password))]
        keys = (self.openai.api_key, self.storage.secret_access_key, self.storage.access_key_id)
        return tuple(dict.fromkeys(word for word in (*spelled, *keys) if word))


def read_environment(path: str | Path | None = None) -> dict[str, str]:
    """The variables of the `.env` file at `path`, under those of the process. A real variable that is empty
    counts as not set, and hides nothing.

    Raises ConfigError when the file can not be read.
    """
    real = {name: value for name, value in os.environ.items() if value}
    if path is None:
        return real
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ConfigError(f"--config {path} can not be read: {reason}") from error
    values = dotenv_values(stream=StringIO(text), interpolate=False)
    return {**{name: value for name, value in values.items() if value}, **real}


def load(
    variables: Mapping[str, str | None], kinds: Sequence[QueueConfig], only: Sequence[str] = ()
) -> Config:
    """The whole configuration, for a process that works queues.

    `kinds` are the queues there are, with their defaults. `only` names those to work, in place of `QUEUES`.
    Raises ConfigError with every problem there is.
    """
    environment = Environment(variables)
    config = Config(
        redis=_redis(environment),
        openai=_openai(environment),
        storage=_storage(environment),
        database_url=_database_url(environment),
        queues=_queues(environment, kinds, only),
        log=_log(environment),
        lease=environment.seconds("LEASE_SECONDS", Config.lease, minimum=2),
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
    redis = _redis(environment)
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


def _redis(environment: Environment) -> RedisConfig:
    host = environment.text("REDIS_HOST", "localhost")
    port = environment.integer("REDIS_PORT", 6379, minimum=1, maximum=65_535)
    password = quote(environment.text("REDIS_PASSWORD"), safe="")
    default = f"redis://{':' + password + '@' if password else ''}{host}:{port}"
    return RedisConfig(
        url=environment.url("REDIS_URL", default, ("redis", "rediss", "unix")),
        prefix=environment.pattern(
            "KEY_PREFIX", RedisConfig.prefix, r"[A-Za-z0-9_.:-]{1,64}", "letters, digits and _ . : - only"
        ),
    )


def _openai(environment: Environment) -> OpenAIConfig:
    return OpenAIConfig(
        api_key=environment.required("OPENAI_API_KEY", "a key of the OpenAI API"),
        organization=environment.text("OPENAI_ORG_ID") or None,
        base_url=environment.url("OPENAI_BASE_URL", "", ("https", "http")) or None,
        evaluation_model=environment.text("OPENAI_MODEL", "gpt-6-luna"),
        transcription_model=environment.text("OPENAI_WHISPER_MODEL", "gpt-transcribe"),
        speech_model=environment.text("OPENAI_TTS_MODEL", "gpt-4o-mini-tts"),
        speech_voice=environment.text("OPENAI_TTS_VOICE", "alloy"),
    )


def _storage(environment: Environment) -> StorageConfig:
    access_key_id = environment.text("S3_ACCESS_KEY_ID") or None
    secret_access_key = environment.text("S3_SECRET_ACCESS_KEY") or None
    if access_key_id and not secret_access_key:
        environment.problem("S3_SECRET_ACCESS_KEY", "the secret that goes with S3_ACCESS_KEY_ID")
    if secret_access_key and not access_key_id:
        environment.problem("S3_ACCESS_KEY_ID", "the key id that goes with S3_SECRET_ACCESS_KEY")
    return StorageConfig(
        bucket=environment.required("S3_BUCKET", "the name of the bucket with the audio"),
        endpoint=environment.url("S3_ENDPOINT", "", ("https", "http")) or None,
        region=environment.text("S3_REGION", "us-east-1"),
        access_key_id=access_key_id,
        secret_access_key=secret_access_key,
    )


def _database_url(environment: Environment) -> str:
    schemes = ("postgresql", "postgres")
    environment.required("DATABASE_URL", "a URL such as postgresql://user:password@host:5432/preppath")
    return environment.url("DATABASE_URL", "", schemes)


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
    chosen = dict.fromkeys(only or listed or by_name)
    return tuple(_queue(environment, by_name[name]) for name in chosen if name in by_name)


def _queue(environment: Environment, kind: QueueConfig) -> QueueConfig:
    variable = kind.name.upper() + "_"
    return replace(
        kind,
        concurrency=environment.integer(variable + "CONCURRENCY", kind.concurrency, minimum=1, maximum=1_000),
        rate_limit=environment.rate_limit(variable + "RATE_LIMIT", kind.rate_limit),
        retries=environment.integer(variable + "RETRIES", kind.retries, minimum=0, maximum=30),
        backoff=environment.seconds(variable + "BACKOFF", kind.backoff, minimum=0),
        timeout=environment.seconds(variable + "TIMEOUT", kind.timeout, minimum=1),
        recoveries=environment.integer(variable + "RECOVERIES", kind.recoveries, minimum=0),
    )
