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

from .environment import Environment, RateLimit, passwords
from .errors import ConfigError

#: Exit code of every command that finds its configuration wrong: EX_CONFIG of sysexits.h.
EX_CONFIG = 78

#: How much of a job's time one silent request may take: the rest is for what the job does around it.
_REQUEST_SHARE = 0.8

#: By the word in `OPENAI_<WORD>_API_KEY`: the queue, the variable of the model, its default, and the most
#: seconds of silence. A transcription is silent until the whole recording is heard, and giving up early means
#: to pay for it twice.
_CAPABILITIES = {
    "WHISPER": ("transcription", "OPENAI_WHISPER_MODEL", "gpt-transcribe", 300.0),
    "TTS": ("tts", "OPENAI_TTS_MODEL", "gpt-4o-mini-tts", 60.0),
    "EVALUATION": ("evaluation", "OPENAI_MODEL", "gpt-6-luna", 90.0),
}


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
    #: The variable without which the queue is worked only where somebody names it.
    needs: str | None = None


@dataclass(frozen=True)
class RedisConfig:
    """Where the queues are. The URL may hold a password, hence is never shown."""

    url: str = field(repr=False)
    prefix: str = "preppath"


@dataclass(frozen=True)
class Capability:
    """One thing that a vendor does for us: a model, and the account it is paid from."""

    model: str
    api_key: str = field(repr=False)
    #: None for OpenAI's own.
    base_url: str | None = None
    #: Seconds of silence after which a request counts as failed. Less than a job of its queue may run.
    timeout: float = 60.0


@dataclass(frozen=True)
class OpenAIConfig:
    """The vendor's capabilities, which may be those of three vendors, and how they are used."""

    evaluation: Capability
    transcription: Capability
    speech: Capability
    organization: str | None = None
    speech_voice: str = "alloy"
    #: json_schema (the reply must follow it), or json_object for servers that know no more.
    evaluation_format: str = "json_schema"
    #: None to send none: models that reason refuse one.
    evaluation_temperature: float | None = None
    #: Tokens of one reply. Thinking counts: OpenAI's guide "Reasoning models" has some take many thousands.
    evaluation_max_tokens: int = 16_000

    @property
    def capabilities(self) -> Mapping[str, Capability]:
        """Each capability by the queue that uses it."""
        return {"transcription": self.transcription, "tts": self.speech, "evaluation": self.evaluation}


@dataclass(frozen=True)
class StorageConfig:
    """The S3 bucket. Without keys, boto3's own chain (instance role, profile) is asked."""

    bucket: str
    endpoint: str | None
    region: str
    access_key_id: str | None = field(repr=False)
    secret_access_key: str | None = field(repr=False)


@dataclass(frozen=True)
class WebhookConfig:
    """Where PrepPath's API hears of jobs that ended. The URL may hold a token, hence is never shown."""

    #: None to tell nobody.
    url: str | None = field(repr=False)
    #: Signs each delivery; None for deliveries without a signature.
    secret: str | None = field(repr=False)

    def secrets(self) -> tuple[str, ...]:
        """What must not be seen. A user without a password is a token; with one it is an everyday word."""
        parts = urlsplit(self.url or "")
        return (self.secret or "", parts.password or parts.username or "", parts.query)


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
    webhook: WebhookConfig
    queues: tuple[QueueConfig, ...]
    log: LogConfig
    #: Seconds without a heartbeat after which an instance counts as dead.
    lease: float = 15.0
    #: Seconds between two probes of a queue whose vendor refuses everything.
    probe_interval: float = 60.0
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
        """Every value that must not be seen in a log or an error, as it is and as a URL spells it. Longest
        first: one may be a part of another, and what is left of that would show."""
        found = [password for url in (self.redis.url, self.database_url) for password in passwords(url)]
        found += self.webhook.secrets()
        spelled = [word for password in found for word in (password, unquote(password))]
        accounts = [capability.api_key for capability in self.openai.capabilities.values()]
        keys = (*accounts, self.storage.secret_access_key, self.storage.access_key_id)
        return tuple(
            sorted({word for word in (*spelled, *keys) if word}, key=lambda word: (-len(word), word))
        )


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
    queues = _queues(environment, kinds, only)
    config = Config(
        redis=_redis(environment),
        openai=_openai(environment, queues),
        storage=_storage(environment),
        database_url=_database_url(environment),
        webhook=_webhook(environment),
        queues=queues,
        log=_log(environment),
        lease=environment.seconds("LEASE_SECONDS", Config.lease, minimum=2),
        probe_interval=environment.seconds("PROBE_SECONDS", Config.probe_interval, minimum=1),
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


def _openai(environment: Environment, queues: Sequence[QueueConfig]) -> OpenAIConfig:
    common_key = environment.text("OPENAI_API_KEY").strip()
    common_url = environment.url("OPENAI_BASE_URL", "", ("https", "http"))
    own_keys = [environment.text(f"OPENAI_{name}_API_KEY").strip() for name in _CAPABILITIES]
    if not common_key and not all(own_keys):
        environment.problem("OPENAI_API_KEY", "a key of the OpenAI API")
    allowed = {queue.name: queue.timeout for queue in queues}
    transcription, speech, evaluation = (
        Capability(
            model=environment.text(variable, model),
            api_key=key or common_key,
            base_url=environment.url(f"OPENAI_{name}_BASE_URL", common_url, ("https", "http")) or None,
            timeout=min(longest, allowed.get(queue, longest) * _REQUEST_SHARE),
        )
        for (name, (queue, variable, model, longest)), key in zip(
            _CAPABILITIES.items(), own_keys, strict=True
        )
    )
    temperature = environment.pattern(
        "OPENAI_EVALUATION_TEMPERATURE", "", r"[01](\.\d+)?|2(\.0+)?", "a number from 0 to 2"
    )
    return OpenAIConfig(
        evaluation=evaluation,
        transcription=transcription,
        speech=speech,
        organization=environment.text("OPENAI_ORG_ID") or None,
        speech_voice=environment.text("OPENAI_TTS_VOICE", OpenAIConfig.speech_voice),
        evaluation_format=environment.choice(
            "OPENAI_EVALUATION_FORMAT", OpenAIConfig.evaluation_format, ("json_schema", "json_object")
        ),
        evaluation_temperature=float(temperature) if temperature else None,
        evaluation_max_tokens=environment.integer(
            "OPENAI_EVALUATION_MAX_TOKENS", OpenAIConfig.evaluation_max_tokens, minimum=100
        ),
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


def _webhook(environment: Environment) -> WebhookConfig:
    return WebhookConfig(
        url=environment.url("WEBHOOK_URL", "", ("https", "http")) or None,
        secret=environment.pattern("WEBHOOK_SECRET", "", ".{16,}", "16 characters or more") or None,
    )


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
        timeout=environment.seconds(variable + "TIMEOUT", kind.timeout, minimum=1),
        recoveries=environment.integer(variable + "RECOVERIES", kind.recoveries, minimum=0),
    )
