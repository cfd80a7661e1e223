"""Classifies the error of a failed attempt into the fields that the settling scripts need."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence

from ...clients.machine import machine_error
from ...errors import (
    InvalidJob,
    JobTimeout,
    MachineError,
    PermanentError,
    PrepPathError,
    RateLimited,
    ServiceError,
    TransientError,
)
from ...log import redact
from ...store.consuming.outcome import Failed, FailureKind

logger = logging.getLogger(__name__)

_compact = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode

#: Characters of an error message that are stored with the job.
_MAX_MESSAGE = 2_000

#: Characters of an error message that identify unknown errors and appear in the queue's state.
_MAX_SUMMARY = 300


def failed(error: BaseException, secrets: Sequence[str]) -> Failed:
    """Return the outcome of an attempt that ended with this error."""
    if not isinstance(error, PrepPathError | JobTimeout):
        error = machine_error(error) or error
    kind, service = _kind(error)
    if kind == "unknown" and not isinstance(error, TransientError | RateLimited):
        # A bug in the handler or a library. It is retried, because the cause may pass.
        logger.error("Unhandled exception in handler", exc_info=error)
    name, text = type(error).__name__, message(error, secrets)
    described = {"class": name, "message": text}
    if error.__cause__ is not None:
        described["cause"] = type(error.__cause__).__name__
    if service:
        described["service"] = service
    summary = text if service else f"{name}: {text}"
    seconds = getattr(error, "retry_after", None)
    return Failed(_compact(described), kind, service, summary[:_MAX_SUMMARY], round((seconds or 0.0) * 1000))


def message(error: BaseException, secrets: Sequence[str]) -> str:
    """Return the error message without secrets, shortened, and as valid UTF-8."""
    # JSON may contain lone surrogates, which cannot be encoded as UTF-8.
    text = str(error).encode("utf-8", "backslashreplace").decode("utf-8")
    return redact(text, secrets)[:_MAX_MESSAGE]


def _kind(error: BaseException) -> tuple[FailureKind, str]:
    """Return the kind of failure and the service that caused it, if any."""
    match error:
        case InvalidJob():
            return "invalid", ""
        case PermanentError():
            return "permanent", ""
        case MachineError():
            return "machine", ""
        case ServiceError(may_be_paid=True):
            return "paid", error.service
        case ServiceError(refuses_all=True):
            return "refused", error.service
        case ServiceError():
            return "service", error.service
        case JobTimeout():
            # A request that was in progress may have been processed and billed.
            return "paid", ""
        case _:
            return "unknown", ""
