"""Check that the vendors offer the configured models, and until when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

from ...config.model import OpenAIConfig
from ...errors import JobError
from ...queue.formatting import counted
from .findings import Finding, Status

#: Days before a model's shutdown from which it is a warning, and from which it is an error.
WARNING_DAYS, ERROR_DAYS = 90, 14


def check_models(config: OpenAIConfig) -> Iterator[Finding]:
    """Yield a finding for each configured model."""
    from ...clients.openai.client import OpenAI  # imported here, because other commands do not need it
    from ...clients.openai.models import announced_end, successor

    openai = OpenAI(config)
    for queue, model_config in config.models.items():
        what = f"{queue} model {model_config.model}"
        try:
            shutdown = openai.shutdown_date(model_config)
            known = None if model_config.base_url else announced_end(model_config.model)
            if shutdown is None and known:
                shutdown = known.isoformat()
        except JobError as error:
            yield Finding("error", what, str(error))
        else:
            yield shutdown_finding(what, shutdown, datetime.now(UTC).date(), successor(model_config.model))


def shutdown_finding(what: str, shutdown: str | None, today: date, successor: str | None = None) -> Finding:
    """Return the finding for a model's shutdown date: an ISO date, or None if none is announced.

    `successor`: the model to configure instead, if the vendor names one.
    """
    if shutdown is None:
        return Finding("ok", what, "no shutdown is announced")
    try:
        days = (date.fromisoformat(shutdown) - today).days
    except (TypeError, ValueError):  # the SDK does not validate responses
        return Finding("warning", what, f"shutdown_date is not a date: {shutdown!r}")
    advice = f"; its successor is {successor}" if successor else ""
    if days <= 0:
        return Finding("error", what, f"was shut down on {shutdown}{advice}")
    status: Status = "error" if days <= ERROR_DAYS else "warning" if days <= WARNING_DAYS else "ok"
    return Finding(status, what, f"is shut down on {shutdown}, in {counted(days, 'day')}{advice}")
