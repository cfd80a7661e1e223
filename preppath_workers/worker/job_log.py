"""What the log says about the end of an attempt: one line each."""

from __future__ import annotations

import json
import logging
from typing import Any

from ..config.model import LogConfig
from ..log import LogContext, fields
from ..store.job import Job
from ..store.outcome import Failed, Released, Settlement

logger = logging.getLogger(__name__)

#: Characters of a job's data in a log line (Docker cuts lines at 16 KiB), and brackets in it: each may be
#: within the one before.
_LONGEST_DATA, _MOST_BRACKETS = 10_000, 200

#: Reasons that lie in one job's own data, such as a candidate's empty answer: no cause to wake anyone.
_OWN_FAULT = ("invalid", "permanent")


def settled(settlement: Settlement, config: LogConfig) -> None:
    """Tells how an attempt ended, once Redis has confirmed it."""
    if settlement.verdict == "completed" and not logger.isEnabledFor(logging.INFO):
        return  # 6 µs of the 70 that a job without work costs its worker
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
            case "completed" | "reopened":
                logger.info("Job completed", extra=fields(**known))
            case "delayed":
                logger.warning("Job will be retried", extra=fields(**known, retryInMs=settlement.delay_ms))
            case "dead":
                _failed_permanently(job, config, known | {"reason": settlement.reason})
            case "released":
                logger.warning("Job was given back", extra=fields(**known))
            case "lost":
                logger.warning(
                    "Job belongs to another worker now, this does not count", extra=fields(**known)
                )
        _queue_changed(settlement)


def _queue_changed(settlement: Settlement) -> None:
    """Reports that an attempt took the queue out of service, or brought it back."""
    outcome = settlement.finished.outcome
    if settlement.verdict == "reopened":
        logger.warning("Queue is back in service")
    elif settlement.closed and isinstance(outcome, Failed):
        service = outcome.service or "unknown"
        logger.error("Queue is out of service", extra=fields(service=service, reason=outcome.words))


def failed_permanently(job: Job, config: LogConfig) -> None:
    """Tells that a job is in the dead-letter list which no worker is left to tell about."""
    error = job.error or {}
    known = {"errorClass": error.get("class"), "error": error.get("message"), "reason": job.reason}
    with LogContext(job.log_fields):
        _failed_permanently(job, config, known)


def _failed_permanently(job: Job, config: LogConfig, known: dict[str, Any]) -> None:
    data = {"data": _legible(job)} if config.job_data else {}
    level = logging.WARNING if known["reason"] in _OWN_FAULT else logging.ERROR
    logger.log(level, "Job failed permanently", extra=fields(attempts=job.attempts, **known, **data))


def _legible(job: Job) -> Any:
    """The job's data as JSON, or, where it is none or so large or intricate that readers of logs would choke,
    the beginning of its text."""
    raw = job.raw_data
    is_plain = len(raw) <= _LONGEST_DATA and raw.count("{") + raw.count("[") <= _MOST_BRACKETS
    data = job.data if is_plain else None
    return raw[:_LONGEST_DATA] if data is None else data
