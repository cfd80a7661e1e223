"""The job types. To add one, add a module to this folder and an entry to `JOB_TYPES`."""

from __future__ import annotations

from ..config.model import QueueConfig, RateLimit
from ..registry import JobType

#: In the order in which commands list them. Variables named `<QUEUE>_…` override these defaults.
JOB_TYPES: tuple[JobType, ...] = (
    JobType(
        QueueConfig("transcription", concurrency=2, rate_limit=RateLimit(5, 60), timeout=600),
        module="transcription",
        services=("storage", "openai", "database"),
    ),
    JobType(
        QueueConfig("tts", concurrency=3, rate_limit=RateLimit(10, 60), timeout=300),
        module="tts",
        services=("openai", "storage", "database"),
    ),
    JobType(
        QueueConfig("evaluation", concurrency=5, rate_limit=RateLimit(20, 60), retries=2),
        module="evaluation",
        services=("openai", "database"),
    ),
    JobType(
        QueueConfig("webhook", retries=8, backoff=5, timeout=30, needs="WEBHOOK_URL"),
        module="webhook",
        services=("webhook",),
    ),
)
