"""Looks up the configured models: whether their vendor has them, and for how long."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

from ...config.model import Config
from ...errors import JobError
from .findings import Finding, Status

#: Days before a model's end from which there is a warning, and from which there is an error.
WARNING_DAYS, ERROR_DAYS = 90, 14


def check_models(config: Config) -> Iterator[Finding]:
    """One finding for each capability, from its own vendor."""
    from ...clients.openai.client import OpenAI  # here, for the other commands need no vendor's library
    from ...clients.openai.models import successor

    openai = OpenAI(config.openai)
    for queue, model_config in config.openai.models.items():
        what = f"{queue} model {model_config.model}"
        try:
            ends = openai.shutdown_date(model_config)
        except JobError as error:
            yield Finding("error", what, str(error))
        else:
            yield judge(what, ends, datetime.now(UTC).date(), successor(model_config.model))


def judge(what: str, ends: str | None, today: date, successor: str | None = None) -> Finding:
    """The finding on a model that is shut down on the day `ends` (an ISO date; None if none is announced).
    `successor` is the model to configure instead, if there is one."""
    if ends is None:
        return Finding("ok", what, "no end is announced")
    try:
        days = (date.fromisoformat(ends) - today).days
    except (TypeError, ValueError):  # the SDK does not check what it was sent
        return Finding("warning", what, f"its shutdown_date is no date: {ends!r}")
    advice = f"; its successor is {successor}" if successor else ""
    if days <= 0:
        return Finding("error", what, f"was shut down on {ends}{advice}")
    status: Status = "error" if days <= ERROR_DAYS else "warning" if days <= WARNING_DAYS else "ok"
    return Finding(status, what, f"is shut down on {ends}, in {days} day{'s' if days > 1 else ''}{advice}")
