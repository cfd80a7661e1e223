"""The configuration as immutable values with their defaults, and the secrets among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .budget import Budget, Caps
from .durability import Durability
from .prices import Prices, load_prices
from .redaction import decoded, redactable, url_passwords


@dataclass(frozen=True)
class RateLimit:
    """At most `max` starts in any window of `duration` seconds; written `max/duration`, as in `10/60`."""

    max: int
    duration: float

    @classmethod
    def parse(cls, text: str) -> RateLimit:
        """Return the limit that the text describes. Raises ValueError."""
        try:
            maximum, duration = text.split("/")
            limit = cls(int(maximum), float(duration))
        except ValueError:
            limit = cls(0, 0.0)
        if not (1 <= limit.max <= 1_000_000 and 0.001 <= limit.duration <= 31 * 86_400):
            raise ValueError("expected starts per seconds, such as 10/60")
        return limit

    def __str__(self) -> str:
        return f"{self.max}/{self.duration:g}"


#: The largest settings of a queue: its workers in one supervisor, its retries, and its recoveries.
MOST_WORKERS, MOST_RETRIES, MOST_RECOVERIES = 1_000, 30, 1_000_000


@dataclass(frozen=True)
class QueueConfig:
    """The settings of one queue. The job types define the defaults, `<QUEUE>_…` variables override them."""

    name: str
    #: Workers in one supervisor.
    concurrency: int = 1
    #: Starts allowed on all machines together; None for no limit.
    rate_limit: RateLimit | None = None
    #: Model tokens of all machines together; None for no limit.
    tokens_per_minute: int | None = None
    #: Runs after the first one that a job's own failures may cause.
    retries: int = 3
    #: Seconds before the first retry; each further one waits twice as long.
    backoff: float = 1.0
    #: The longest backoff, seconds; never less than the first.
    backoff_max: float = 3_600.0
    #: Seconds a job may run.
    timeout: float = 120.0
    #: Times that a job runs again after its worker died during it.
    recoveries: int = 3
    #: The field of a job's data that identifies its user, so that users take turns; empty if they don't.
    fair_by: str = ""
    #: What its jobs may spend.
    budget: Caps = field(default_factory=Caps)
    #: Variable that enables the queue by default; without it, workers run only if the queue is named.
    needs: str | None = None
    #: The services that its jobs use, by their names in `clients/services.py`, or parts: `openai.speech`.
    services: tuple[str, ...] = ()

    @property
    def variable_prefix(self) -> str:
        """What the names of this queue's variables begin with."""
        return self.name.upper().replace("-", "_") + "_"


@dataclass(frozen=True)
class RedisConfig:
    """How to reach Redis. The URL may contain a password, so it is never shown."""

    url: str = field(repr=False)
    prefix: str = "preppath"
    #: What must confirm a job that is added, and the checkpoint of a paid step; None for the primary alone.
    enqueue: Durability | None = None
    checkpoint: Durability | None = None

    def secrets(self) -> tuple[str, ...]:
        """Return every value to redact, for commands that use Redis only; see `Config.secrets`."""
        return redactable(decoded(url_passwords(self.url)))


@dataclass(frozen=True)
class ModelConfig:
    """A model of a vendor, and the account that pays for it."""

    model: str
    api_key: str = field(repr=False)
    #: None for OpenAI's own API.
    base_url: str | None = None
    #: Seconds without data after which a request fails; less than the queue's time limit.
    timeout: float = 60.0


#: What OpenAI's client is used for.
OPENAI_PARTS = ("transcription", "speech", "evaluation")


@dataclass(frozen=True)
class OpenAIConfig:
    """The three models, each possibly of another vendor, and how they are used."""

    evaluation: ModelConfig
    transcription: ModelConfig
    speech: ModelConfig
    organization: str | None = None
    speech_voice: str = "alloy"
    #: speech (POST /v1/audio/speech) or realtime (OpenAI's Realtime API).
    speech_api: str = "speech"
    #: json_schema (the reply must follow the schema), or json_object for servers without schemas.
    evaluation_format: str = "json_schema"
    #: None to send none: reasoning models reject it.
    evaluation_temperature: float | None = None
    #: Tokens of one reply, including reasoning tokens.
    evaluation_max_tokens: int = 16_000
    #: The service tier to ask for, such as `flex`; None for the account's own choice.
    evaluation_service_tier: str | None = None
    #: Only jobs of this priority and less urgent ones ask for it.
    evaluation_tier_from_priority: int = 1
    #: Refusals of the tier, for lack of capacity, after which the default tier is asked.
    evaluation_tier_tries: int = 3

    @property
    def models(self) -> Mapping[str, ModelConfig]:
        """The model of each queue."""
        return {"transcription": self.transcription, "tts": self.speech, "evaluation": self.evaluation}


@dataclass(frozen=True)
class StorageConfig:
    """The S3 bucket. Without keys, boto3 uses its own credential chain (instance role, profile)."""

    bucket: str
    endpoint: str | None
    region: str
    access_key_id: str | None = field(repr=False)
    secret_access_key: str | None = field(repr=False)


@dataclass(frozen=True)
class WebhookConfig:
    """The receiver of webhook deliveries. The URL may contain a token, so it is never shown."""

    #: None for no deliveries.
    url: str | None = field(repr=False)
    #: Signs each delivery; None for no signature.
    secret: str | None = field(repr=False)

    def secrets(self) -> tuple[str, ...]:
        """Return the values to redact. A user name without a password is a token."""
        parts = urlsplit(self.url or "")
        return (self.secret or "", parts.password or parts.username or "", parts.query)


@dataclass(frozen=True)
class LogConfig:
    """The format of logs and what they may contain."""

    level: str = "info"
    #: json, text (colour), or auto: text on a terminal and json elsewhere.
    format: str = "auto"
    #: Whether the data of a permanently failed job is logged.
    job_data: bool = True


@dataclass(frozen=True)
class Config:
    """Everything that a supervisor and its workers need."""

    redis: RedisConfig
    openai: OpenAIConfig
    storage: StorageConfig
    database_url: str = field(repr=False)
    webhook: WebhookConfig
    queues: tuple[QueueConfig, ...]
    log: LogConfig
    #: The services that the jobs of all queues use; the settings of the others are optional.
    services: frozenset[str] = frozenset()
    #: Where failed attempts are reported to Sentry; None for nowhere.
    sentry_dsn: str | None = field(repr=False, default=None)
    sentry_environment: str | None = None
    #: The collector that traces are sent to; None for nowhere.
    otlp_endpoint: str | None = None
    #: Whether to stop when the queues are empty.
    burst: bool = False
    #: Seconds without a heartbeat after which an instance counts as dead.
    lease: float = 15.0
    #: The longest time between two probes of a queue that is out of service (s). The first follows after 1 s.
    probe_interval: float = 30.0
    #: Seconds after its first failure that a job waits for an unavailable service; then it is a dead letter.
    outage_patience: float = 86_400.0
    #: The largest random addition to a backoff, as a fraction of it.
    backoff_jitter: float = 0.2
    #: Seconds that active jobs have to finish when the supervisor stops.
    shutdown_grace: float = 30.0
    #: MiB of resident memory above which a worker is replaced after its job; 0 for no limit.
    max_memory_mb: int = 500
    #: Jobs after which a worker is replaced; 0 for no limit.
    max_jobs_per_child: int = 0
    #: Whether all that the supervisor has loaded is made immortal, if possible: workers then share more.
    immortal_objects: bool = True
    #: Seconds that a completed job can be looked up.
    keep_completed_seconds: float = 86_400.0
    #: Completed jobs that are kept.
    keep_completed_count: int = 30_000
    #: What vendors charge.
    prices: Prices = field(default_factory=load_prices)
    #: What all jobs together, and those of each user, may spend.
    budget: Budget = field(default_factory=Budget)
    #: Days that the ledger's daily sums are kept.
    ledger_days: int = 90
    #: Whether paid requests are listed in Redis to become rows of PostgreSQL.
    ledger_rows: bool = False

    def secrets(self) -> tuple[str, ...]:
        """Return every value to redact from logs and errors: as it is, decoded from a URL, and as Python and
        JSON quote it.

        Longest first, because one secret may be a part of another. Values shorter than SHORTEST_SECRET are
        left out: redacting them would make logs unreadable.
        """
        models = self.openai.models.values()
        urls = (
            self.redis.url,
            self.database_url,
            self.storage.endpoint,
            self.sentry_dsn,
            *(model.base_url for model in models),
        )
        found = [password for url in urls for password in url_passwords(url or "")]
        found += self.webhook.secrets()
        if self.database_url:
            from .database_url import passwords  # lazy: libpq is only needed with a database

            found += passwords(self.database_url)
        keys = (
            *(model.api_key for model in models),
            self.storage.secret_access_key,
            self.storage.access_key_id,
        )
        return redactable([*decoded(found), *keys])
