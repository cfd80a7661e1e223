"""Webhook: tells PrepPath's API that a job of another queue completed, or failed for good."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ..clients.services import Services
from ..errors import InvalidJob
from ..registry import JobContext
from .validation import identifier, optional_number, optional_text, text

#: What becomes of a job, and of a queue as a whole.
JOB_EVENTS, QUEUE_EVENTS = ("completed", "failed"), ("out-of-service", "in-service")
EVENTS = (*JOB_EVENTS, *QUEUE_EVENTS)
#: Longest name of a queue, an event or a service, characters.
MAX_NAME = 200
#: Longest reason, characters: a service's last words are longer than the reason for a dead letter.
MAX_REASON = 1_000
#: Latest time that ISO 8601 can spell with four digits of a year, ms since the epoch.
MAX_AT = 253_402_300_799_999
#: No job runs as often as that.
MAX_ATTEMPTS = 1_000_000_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def handle(context: JobContext, services: Services) -> Mapping[str, Any]:
    """Data: `{event, queue, jobId, at, attempts, result, reason, error}`: what became of the job, `completed`
    or `failed`, and when, in ms since the epoch. The last four are null where they do not apply, or are not
    known any more.
    Of a queue as a whole: `{event, queue, jobId: null, at, service, reason}`; `event` is `out-of-service`
    or `in-service`.
    Result: `{status}`, the receiver's.

    The receiver gets the data with `at` in ISO 8601 and with `deliveryId`, this job's id. A delivery whose
    answer was lost is sent again under the same id.
    """
    body = _body(context.id, context.data)
    context.check_lease()
    return {"status": services.webhook.deliver(context.id, body)}


def _body(delivery_id: str, data: Mapping[str, Any]) -> bytes:
    _check(data)
    at = (_EPOCH + timedelta(milliseconds=data["at"])).isoformat(timespec="milliseconds")
    told = {**data, "at": at.replace("+00:00", "Z"), "deliveryId": delivery_id}
    try:
        # In ASCII: half a surrogate pair, which JSON can spell and UTF-8 can not, gets through as it is.
        return json.dumps(told, allow_nan=False, separators=(",", ":")).encode("ascii")
    except ValueError:
        raise InvalidJob("the data must not hold NaN or Infinity, which JSON has no words for") from None
    except RecursionError:
        raise InvalidJob("the data is nested too deeply") from None


def _check(data: Mapping[str, Any]) -> None:
    if text(data, "event", MAX_NAME) not in EVENTS:
        raise InvalidJob(f"event must be one of {', '.join(EVENTS)}")
    text(data, "queue", MAX_NAME)
    if data["event"] in JOB_EVENTS:
        identifier(data, "jobId")
    optional_text(data, "service", MAX_NAME)
    if data.get("at") is None:
        raise InvalidJob("at is missing")
    _check_whole_number(data, "at", MAX_AT)
    _check_whole_number(data, "attempts", MAX_ATTEMPTS)
    optional_text(data, "reason", MAX_REASON)
    for name in ("result", "error"):
        if not isinstance(data.get(name), Mapping | None):
            raise InvalidJob(f"{name} must be an object or null")


def _check_whole_number(data: Mapping[str, Any], name: str, limit: int) -> None:
    number = optional_number(data, name, 0, limit)
    if number is not None and not number.is_integer():
        raise InvalidJob(f"{name} must be a whole number")
