"""What can be configured: frozen values with their defaults, and which of them nobody may see."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

#: Characters that a value must have to be kept out of logs.
SHORTEST_SECRET = 4


@dataclass(frozen=True)
class RateLimit:
    """At most `max` starts in any window of `duration` seconds; written `max/duration`, as in `10/60`."""

    max: int
    duration: float

    def __str__(self) -> str:
        return f"{self.max}/{self.duration:g}"


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
    #: The longest backoff, seconds; never less than the first.
    backoff_max: float = 3_600.0
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
class ModelConfig:
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

    evaluation: ModelConfig
    transcription: ModelConfig
    speech: ModelConfig
    organization: str | None = None
    speech_voice: str = "alloy"
    #: speech (POST /v1/audio/speech) or realtime (OpenAI's Realtime API).
    speech_api: str = "speech"
    #: json_schema (the reply must follow it), or json_object for servers that know no more.
    evaluation_format: str = "json_schema"
    #: None to send none: models that reason refuse one.
    evaluation_temperature: float | None = None
    #: Tokens of one reply. Thinking counts: OpenAI's guide "Reasoning models" has some take many thousands.
    evaluation_max_tokens: int = 16_000

    @property
    def models(self) -> Mapping[str, ModelConfig]:
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
    #: The longest time between two probes of a queue that is out of service, seconds. They begin at 1 s.
    probe_interval: float = 30.0
    #: Seconds that a job waits for a service that is away, since its first failure; then it is a dead letter.
    outage_patience: float = 86_400.0
    #: The most that is added to a backoff at random, as a part of it.
    backoff_jitter: float = 0.2
    #: Seconds that jobs in hand get to finish when the supervisor is asked to stop.
    shutdown_grace: float = 30.0
    #: MiB of resident memory over which a child is replaced after its job; 0 for no limit.
    max_memory_mb: int = 500
    #: Jobs after which a child is replaced; 0 for no limit.
    max_jobs_per_child: int = 0
    #: Seconds that a finished job can be looked up.
    keep_completed_seconds: float = 86_400.0
    #: How many recent completions `completed` lists, and up to a tenth more.
    keep_completed_count: int = 30_000

    def secrets(self) -> tuple[str, ...]:
        """Every value that must not be seen in a log or an error, as it is, as a URL spells it, and as Python
        and JSON quote it. Longest first: one may be a part of another, and what is left of that would show.
        What is shorter than SHORTEST_SECRET guards nothing, and without it hardly a word of a log could be
        read."""
        from .database_url import passwords  # here, because producers need no libpq

        capabilities = self.openai.models.values()
        places = (
            self.redis.url,
            self.database_url,
            self.storage.endpoint,
            *(each.base_url for each in capabilities),
        )
        found = [password for url in places for password in _passwords(url or "")]
        found += [*passwords(self.database_url), *self.webhook.secrets()]
        spelled = [word for password in found for word in (password, unquote(password))]
        accounts = [model_config.api_key for model_config in capabilities]
        keys = (*accounts, self.storage.secret_access_key, self.storage.access_key_id)
        chosen = {word for word in (*spelled, *keys) if word and len(word) >= SHORTEST_SECRET}
        quoted = {quoted[1:-1] for word in chosen for quoted in (repr(word), json.dumps(word))}
        return tuple(sorted(chosen | quoted, key=lambda word: (-len(word), word)))


def _passwords(url: str) -> Iterator[str]:
    """Every password in a URL, as it is spelled there: redis-py and libpq take one as a parameter too."""
    parts = urlsplit(url)
    if parts.password:
        yield parts.password
    for parameter in parts.query.split("&"):
        name, _, value = parameter.partition("=")
        if name.endswith("password") and value:
            yield value
