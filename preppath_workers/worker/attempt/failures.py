"""Classifies the error of a failed attempt into the fields that the settling scripts need."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from ...clients.causes import causes
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
from ...log import fields, redact
from ...store.arguments import LONGEST_SECONDS
from ...store.consuming.outcome import Failed, FailureKind

logger = logging.getLogger(__name__)

_compact = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode

#: Characters of an error message that are stored with the job.
_MAX_MESSAGE = 2_000

#: Characters of a service's name.
_MAX_SERVICE = 60

#: The longest delay that a handler's error can ask for (ms).
_LONGEST_DELAY = LONGEST_SECONDS * 1000

#: The most ms that one error holds the queue, its probes or a retry: a handler may name a time in place of a
#: duration.
LONGEST_RETRY_AFTER = 24 * 3600 * 1000

#: Characters of an error message that identify unknown errors and appear in the queue's state.
_MAX_SUMMARY = 300


def failed(error: BaseException, secrets: Sequence[str]) -> Failed:
    """Return the outcome of an attempt that ended with this error."""
    if not isinstance(error, PrepPathError | JobTimeout):
        error = _time_limit(error) or machine_error(error) or error
    kind, service = _kind(error)
    service = valid_text(service)[:_MAX_SERVICE]
    if kind == "unknown" and not isinstance(error, TransientError | RateLimited):
        # A bug in the handler or a library. It is retried, because the cause may pass.
        _log("Unhandled exception in handler", error)
    name, text = _class_name(error), message(error, secrets)
    described = {"class": name, "message": text}
    if error.__cause__ is not None:
        described["cause"] = _class_name(error.__cause__)
    if service:
        described["service"] = service
    summary = text if service else f"{name}: {text}"
    has_delay = isinstance(error, TransientError | RateLimited | ServiceError)
    delay = getattr(error, "retry_after", None) if has_delay else None
    retry_after = min(delay_in_ms(delay) or 0, LONGEST_RETRY_AFTER)
    return Failed(_compact(described), kind, service, summary[:_MAX_SUMMARY], retry_after)


def single(error: BaseException) -> BaseException:
    """Return the error that a group consists of, as of asyncio's TaskGroup, or the error itself."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def unreadable(error: BaseException, problem: BaseException) -> Failed:
    """Return the outcome of an attempt that ended with an error whose attributes raise `problem`."""
    name, text = _class_name(error), _substitute(problem)
    return Failed(_compact({"class": name, "message": text}), "unknown", "", f"{name}: {text}")


def delay_in_ms(seconds: object) -> int | None:
    """Return the delay that a handler's error asks for; None if it is not a finite number, as text (of a
    header Retry-After), a timedelta, or what else stands for one."""
    value: Any = seconds.total_seconds() if isinstance(seconds, timedelta) else seconds
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    except OverflowError:
        return _LONGEST_DELAY
    # The product may be infinite, which cannot be rounded.
    return round(min(max(0.0, number * 1000), _LONGEST_DELAY)) if math.isfinite(number) else None


def message(error: BaseException, secrets: Sequence[str]) -> str:
    """Return the error message without secrets, shortened, and as valid UTF-8. An error whose text cannot be
    read is still what its class says."""
    try:
        text = valid_text(error)
    except BaseException as problem:  # noqa: BLE001 — the error may be of any class, with any bug
        text = _substitute(problem)
    return redact(text, secrets)[:_MAX_MESSAGE]


def valid_text(value: object) -> str:
    """Return the text of what a handler gave, as valid UTF-8: it may contain lone surrogates, as JSON may. A
    member of an enumeration stands for its value."""
    text = str.__str__(value) if isinstance(value, str) else str(value)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _substitute(problem: BaseException) -> str:
    """Return a message for an error that cannot be read because of `problem`, and log that."""
    _log("Cannot read the error of a handler", problem)
    return f"this error cannot be read ({_class_name(problem)})"


def _log(text: str, error: BaseException) -> None:
    """Log an error with its traceback, if its own code lets that be written."""
    try:
        logger.error(text, exc_info=error)
    except BaseException as problem:  # noqa: BLE001 — the error may be of any class, with any bug
        logger.error(text, extra=fields(errorClass=_class_name(error), problem=_class_name(problem)))


def _class_name(error: BaseException) -> str:
    """Return the name of the error's class, also if its metaclass has a property of that name."""
    return str(vars(type)["__name__"].__get__(type(error)))


def _time_limit(error: BaseException) -> JobTimeout | None:
    """Return the JobTimeout that the handler was cleaning up after when it raised the error, if any."""
    return next((cause for cause in causes(error) if isinstance(cause, JobTimeout)), None)


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
        case JobTimeout() | RateLimited(may_be_paid=True):
            # A request that was in progress may have been processed and billed.
            return "paid", ""
        case _:
            return "unknown", ""
