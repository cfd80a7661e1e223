"""Whose failure it was: reads from an error what the settling script needs to decide about the job."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence

from ..clients.machine import machine_error
from ..errors import (
    InvalidJob,
    JobTimeout,
    MachineError,
    PermanentError,
    PrepPathError,
    RateLimited,
    ServiceError,
    TransientError,
)
from ..log import redact
from ..store.outcome import Failed, FailureKind

logger = logging.getLogger(__name__)

_compact = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode

#: Characters of an error's message that are kept with the job.
_MESSAGE_LIMIT = 2_000

#: Characters of it that tell unknown errors apart, and that the queue's state shows.
_WORDS_LIMIT = 300


def failed(error: BaseException, secrets: Sequence[str]) -> Failed:
    """The outcome of an attempt that ended with this error."""
    if not isinstance(error, PrepPathError | JobTimeout):
        error = machine_error(error) or error
    kind, service = _kind(error)
    if kind == "unknown" and not isinstance(error, TransientError | RateLimited):
        # A bug, ours or a library's. It is retried, because circumstances may be the cause, and never hidden.
        logger.error("Unhandled exception in handler", exc_info=error)
    name, text = type(error).__name__, message(error, secrets)
    described = {"class": name, "message": text}
    if error.__cause__ is not None:
        described["cause"] = type(error.__cause__).__name__
    if service:
        described["service"] = service
    words = text if service else f"{name}: {text}"
    seconds = getattr(error, "retry_after", None)
    return Failed(_compact(described), kind, service, words[:_WORDS_LIMIT], round((seconds or 0.0) * 1000))


def message(error: BaseException, secrets: Sequence[str]) -> str:
    """The error's own words, as they may be stored and shown."""
    # Half of a surrogate pair, which JSON may hold, is no text that can be sent.
    text = str(error).encode("utf-8", "backslashreplace").decode("utf-8")
    return redact(text, secrets)[:_MESSAGE_LIMIT]


def _kind(error: BaseException) -> tuple[FailureKind, str]:
    """The kind of failure, and the service whose it is."""
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
            # Whatever it waited for may have been done, and paid for.
            return "paid", ""
        case _:
            return "unknown", ""
