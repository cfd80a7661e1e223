"""Webhook: deliver events of jobs and queues to PrepPath's API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ..clients.services import Services
from ..errors import InvalidJob
from ..registry import JobContext
from ..store.job import ENDED_STATES
from .validation import identifier, optional_number, text

#: Events of a job, of a group of jobs, and of a queue as a whole.
JOB_EVENTS, GROUP_EVENT = ENDED_STATES, "group-ended"
QUEUE_EVENTS = ("out-of-service", "in-service", "budget-spent", "budget-warning")
EVENTS = (*JOB_EVENTS, GROUP_EVENT, *QUEUE_EVENTS)
#: Longest name of a queue, an event or a service, characters.
MAX_NAME = 200
#: Longest reason, characters: a service's error message, or the reason for a dead letter.
MAX_REASON = 1_000
#: End of the year 9999, the last of ISO 8601 with four digits, ms since the epoch.
MAX_AT = 253_402_300_799_999
#: Largest plausible number of attempts.
MAX_ATTEMPTS = 1_000_000_000
#: Largest plausible number of a group's jobs.
MAX_JOBS = 1_000_000_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def handle(context: JobContext, services: Services) -> Mapping[str, Any]:
    """Deliver one event.

    Data of a job's event: `{event, queue, jobId, at, attempts, result, reason, cost, error}`. `event` is
    `completed`, `failed`, `cancelled` or `expired`, `at` is in ms since the epoch; the last five may be null.
    Data of a group's event: `{event, queue, jobId: null, at, group, jobs, completed, failed, cancelled,
    expired}`; `event` is `group-ended`, the last five count jobs.
    Data of a queue's event: `{event, queue, jobId: null, at, service, reason}`; `event` is `out-of-service`,
    `in-service`, `budget-spent` or `budget-warning`, and `service` is null after an unknown error.
    Result: `{status}`, the receiver's HTTP status.

    The receiver gets the data with `at` in ISO 8601, and `deliveryId`, this job's id. A delivery whose
    response was lost is repeated with the same id.
    """
    body = _body(context.id, context.data)
    context.check_lease()
    return {"status": services.webhook.deliver(context.id, body)}


def _body(delivery_id: str, data: Mapping[str, Any]) -> bytes:
    _check(data)
    at = (_EPOCH + timedelta(milliseconds=data["at"])).isoformat(timespec="milliseconds")
    delivery = {**data, "at": at.replace("+00:00", "Z"), "deliveryId": delivery_id}
    try:
        # ASCII, because UTF-8 cannot encode lone surrogates, which JSON can escape.
        return json.dumps(delivery, allow_nan=False, separators=(",", ":")).encode("ascii")
    except ValueError:
        raise InvalidJob("the data must not contain NaN or Infinity: they are not JSON") from None
    except RecursionError:
        raise InvalidJob("the data is nested too deeply") from None


def _check(data: Mapping[str, Any]) -> None:
    if text(data, "event", MAX_NAME) not in EVENTS:
        raise InvalidJob(f"event must be one of {', '.join(EVENTS)}")
    text(data, "queue", MAX_NAME)
    if data["event"] in JOB_EVENTS:
        identifier(data, "jobId")
    if data["event"] == GROUP_EVENT:
        identifier(data, "group")
        for name in ("jobs", *ENDED_STATES):
            _check_whole_number(data, name, MAX_JOBS)
    _check_text_or_null(data, "service", MAX_NAME)
    if data.get("at") is None:
        raise InvalidJob("at is missing")
    _check_whole_number(data, "at", MAX_AT)
    _check_whole_number(data, "attempts", MAX_ATTEMPTS)
    _check_text_or_null(data, "reason", MAX_REASON)
    if not isinstance(data.get("error"), Mapping | None):
        raise InvalidJob("error must be an object or null")


def _check_text_or_null(data: Mapping[str, Any], name: str, limit: int) -> None:
    """Raise InvalidJob unless it is text or null. Any text: an error may say what PostgreSQL cannot store."""
    value = data.get(name)
    if not isinstance(value, str | None):
        raise InvalidJob(f"{name} must be text, not {type(value).__name__}")
    if value is not None and len(value) > limit:
        raise InvalidJob(f"{name} must have at most {limit} characters, not {len(value)}")


def _check_whole_number(data: Mapping[str, Any], name: str, limit: int) -> None:
    number = optional_number(data, name, 0, limit)
    if number is not None and not number.is_integer():
        raise InvalidJob(f"{name} must be a whole number")
