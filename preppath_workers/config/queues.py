"""Reads the settings of each queue: `<QUEUE>_…` variables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .env import Environment
from .model import MOST_RECOVERIES, MOST_RETRIES, MOST_WORKERS, QueueConfig


def queues(
    environment: Environment, defaults: Sequence[QueueConfig], only: Sequence[str]
) -> tuple[QueueConfig, ...]:
    """Return the settings of the queues that `queue_names` returns for the same arguments."""
    by_name = {queue.name: queue for queue in defaults}
    return tuple(_queue(environment, by_name[name]) for name in queue_names(environment, defaults, only))


def queue_names(
    environment: Environment, defaults: Sequence[QueueConfig], only: Sequence[str]
) -> tuple[str, ...]:
    """Return the queues to work on: `only` these, else those in QUEUES, else all that have what they need.

    `defaults`: all queues with their default settings.
    """
    names = [queue.name for queue in defaults]
    text = environment.text("QUEUES").strip()
    listed = [name.strip() for name in text.split(",") if name.strip()]
    if any(name not in names for name in listed) or (text and not listed):
        environment.problem("QUEUES", f"names out of {', '.join(names)}, with commas between them")
        listed = []  # the settings of all queues are read, so that their mistakes are reported too
    enabled = [queue.name for queue in defaults if not queue.needs or environment.text(queue.needs).strip()]
    chosen = dict.fromkeys(only or listed or enabled)
    return tuple(name for name in chosen if name in names)


def _queue(environment: Environment, default: QueueConfig) -> QueueConfig:
    variable = default.variable_prefix
    return replace(
        default,
        concurrency=environment.integer(
            variable + "CONCURRENCY", default.concurrency, minimum=1, maximum=MOST_WORKERS
        ),
        rate_limit=environment.rate_limit(variable + "RATE_LIMIT", default.rate_limit),
        tokens_per_minute=environment.integer_or_none(variable + "TOKENS_PER_MINUTE", minimum=1),
        retries=environment.integer(variable + "RETRIES", default.retries, minimum=0, maximum=MOST_RETRIES),
        backoff=environment.seconds(variable + "BACKOFF", default.backoff, minimum=0),
        backoff_max=environment.seconds(variable + "BACKOFF_MAX", default.backoff_max, minimum=0),
        timeout=environment.seconds(variable + "TIMEOUT", default.timeout, minimum=1),
        recoveries=environment.integer(
            variable + "RECOVERIES", default.recoveries, minimum=0, maximum=MOST_RECOVERIES
        ),
        fair_by=_fair_by(environment, variable + "FAIR_BY", default.fair_by),
        budget=environment.caps(variable + "BUDGET"),
    )


def _fair_by(environment: Environment, variable: str, default: str) -> str:
    field = environment.text(variable).strip() or default
    if len(field) > 100 or not field.isprintable():
        environment.problem(variable, "the name of a field of the job's data, or none")
    return "" if field.lower() == "none" else field
