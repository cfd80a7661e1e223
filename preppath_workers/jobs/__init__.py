"""PrepPath's own jobs."""

from __future__ import annotations

from ..registry import JobType, job

#: In the order in which commands list them. Their functions are named, not imported: most commands need only
#: the queues' settings, and vendors' libraries load slowly.
JOB_TYPES: tuple[JobType, ...] = (
    job(
        "transcription",
        concurrency=2,
        rate_limit="5/60",
        timeout=600,
        fair_by="userId",
        services=("storage", "openai.transcription", "database"),
        worst_cases="preppath_workers.jobs.transcription.worst_case:worst_cases",
    )("preppath_workers.jobs.transcription:handle"),
    job(
        "tts",
        concurrency=3,
        rate_limit="10/60",
        timeout=300,
        # All of OpenAI: once the other parts have made requests too, a worker has less memory of its own.
        services=("openai", "storage", "database"),
        worst_cases="preppath_workers.jobs.tts.worst_case:worst_cases",
    )("preppath_workers.jobs.tts:handle"),
    job(
        "evaluation",
        concurrency=5,
        rate_limit="20/60",
        retries=2,
        fair_by="userId",
        services=("openai.evaluation", "database"),
        worst_cases="preppath_workers.jobs.evaluation.worst_case:worst_cases",
    )("preppath_workers.jobs.evaluation:handle"),
    job(
        "webhook",
        retries=8,
        backoff=5,
        timeout=30,
        needs="WEBHOOK_URL",
        services=("webhook",),
    )("preppath_workers.jobs.webhook:handle"),
)
