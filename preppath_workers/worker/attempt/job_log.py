"""Logs the end of each attempt in one line."""

from __future__ import annotations

import json
import logging
from typing import Any

from ...config.model import LogConfig
from ...log import LogContext, fields
from ...store.consuming.outcome import Failed, Released, Settlement
from ...store.job import Job

logger = logging.getLogger(__name__)

#: Characters of a job's data in a log line (Docker splits lines at 16 KiB), and its brackets, which bound the
#: nesting.
_MAX_DATA, _MAX_BRACKETS = 10_000, 200

#: Reasons caused by one job's own data, such as an empty answer: logged as warnings, not as errors.
_OWN_FAULT = ("invalid", "permanent")

_DISCARDED = {
    "lost": "Outcome discarded: the job belongs to another worker",
    "gone": "Outcome discarded: the job is gone from Redis",
}


def settled(settlement: Settlement, config: LogConfig) -> None:
    """Log how an attempt ended, after Redis has confirmed it."""
    if settlement.verdict == "completed" and not logger.isEnabledFor(logging.INFO):
        return  # the hot path: do not build the fields
    job, outcome = settlement.finished.job, settlement.finished.outcome
    known: dict[str, Any] = {
        "outcome": "completed" if settlement.verdict == "reopened" else settlement.verdict,
        "durationMs": settlement.finished.duration_ms,
        "waitMs": job.wait_ms,
    }
    if isinstance(outcome, Failed):
        error = json.loads(outcome.error)
        known |= {"errorClass": error["class"], "error": error["message"], "counted": settlement.counted}
        if outcome.service:
            known["service"] = outcome.service
    elif isinstance(outcome, Released):
        known |= {"holdMs": outcome.hold_ms, "reason": outcome.reason}
    with LogContext(job.log_fields):
        match settlement.verdict:
            case "completed" | "reopened" | "cancelled":
                ended = "Job cancelled" if settlement.verdict == "cancelled" else "Job completed"
                logger.info(ended, extra=fields(**known))
            case "delayed":
                logger.warning("Job will be retried", extra=fields(**known, retryInMs=settlement.delay_ms))
            case "dead":
                _failed_permanently(job, config, known | {"reason": settlement.reason})
            case "released":
                logger.warning("Job released", extra=fields(**known))
            case "lost" | "gone" as verdict:
                logger.warning(_DISCARDED[verdict], extra=fields(**known))
        _queue_changed(settlement)


def _queue_changed(settlement: Settlement) -> None:
    """Log that an attempt took the queue out of service, back into service, or over its budget."""
    outcome = settlement.finished.outcome
    if settlement.verdict == "reopened":
        logger.warning("Queue is back in service")
    elif settlement.reason == "held" and isinstance(outcome, Released):
        logger.error("Queue is held: its budget is spent", extra=fields(reason=outcome.reason))
    elif settlement.closed and isinstance(outcome, Failed):
        service = outcome.service or "unknown"
        logger.error("Queue is out of service", extra=fields(service=service, reason=outcome.words))


def failed_permanently(job: Job, config: LogConfig) -> None:
    """Log that a job went to the dead-letter list after its worker died."""
    error = job.error or {}
    known = {"errorClass": error.get("class"), "error": error.get("message"), "reason": job.reason}
    with LogContext(job.log_fields):
        _failed_permanently(job, config, known)


def _failed_permanently(job: Job, config: LogConfig, known: dict[str, Any]) -> None:
    data = {"data": _legible(job)} if config.job_data else {}
    level = logging.WARNING if known["reason"] in _OWN_FAULT else logging.ERROR
    logger.log(level, "Job failed permanently", extra=fields(attempts=job.attempts, **known, **data))


def _legible(job: Job) -> Any:
    """Return the job's data, or the beginning of its text if it is not JSON, too large or deeply nested."""
    raw = job.raw_data
    is_plain = len(raw) <= _MAX_DATA and raw.count("{") + raw.count("[") <= _MAX_BRACKETS
    data = job.data if is_plain else None
    return raw[:_MAX_DATA] if data is None else data
