"""Says what becomes of a job when a request to OpenAI fails: the one place that knows the SDK's errors."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import openai

from ..errors import JobError, PermanentError, RateLimited, TransientError
from ..log import redact

#: Statuses below 500 that the same request may not meet again: request timeout, conflict.
TRANSIENT_STATUSES = frozenset({408, 409})
#: Longest wait, s, that is taken over from Retry-After. After it we ask again, which costs one request;
#: a wrong header, taken at its word, could stop a queue for days.
MAX_RETRY_AFTER = 3_600.0
#: Characters of the vendor's message that are kept.
MAX_MESSAGE = 300


@contextmanager
def openai_errors(api_key: str) -> Iterator[None]:
    """Turns what the SDK raises inside the block into RateLimited, TransientError or PermanentError.

    The SDK's errors are not chained to ours: their text can repeat the key (a key with a line break in it,
    for one, is quoted by the HTTP library), and chained errors end up in logs. What helps is taken over.
    """
    try:
        yield
    except openai.APIStatusError as error:
        raise classify(error, api_key) from None
    except openai.APITimeoutError:
        raise TransientError("OpenAI did not answer in time") from None
    except openai.APIConnectionError as error:
        raise TransientError(f"no connection to OpenAI ({type(error.__cause__).__name__})") from None
    except (openai.OpenAIError, json.JSONDecodeError) as error:
        raise TransientError(f"OpenAI's answer can not be read ({type(error).__name__})") from None


def classify(error: openai.APIStatusError, api_key: str) -> JobError:
    """The error to raise for an answer of 400 or more, by its status alone.

    A code in the body (`error.code`) that calls for something else belongs before the tests of the status.
    """
    message = redact(_describe(error), [api_key])
    headers = error.response.headers
    if error.status_code == 429:
        return RateLimited(message, retry_after(headers))
    if error.status_code in TRANSIENT_STATUSES or error.status_code >= 500:
        return TransientError(message, retry_after(headers))
    return PermanentError(message)


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """The seconds that the server asks us to wait, or None when it does not say so legibly.

    `retry-after-ms` (OpenAI's own, milliseconds) is more exact and goes first; Retry-After is a number of
    seconds or an HTTP date (RFC 9110, 10.2.3).
    """
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name, "")
        seconds = _number(value, unit)
        if seconds is None and name == "retry-after":
            seconds = _until(value, now or datetime.now(UTC))
        if seconds is not None:
            return min(max(seconds, 0.0), MAX_RETRY_AFTER)
    return None


def _number(text: str, unit: float) -> float | None:
    try:
        number = float(text) * unit
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _until(text: str, now: datetime) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    # A date in the zone "-0000" comes without one; an HTTP date is UTC by definition.
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now.timestamp()


def _describe(error: openai.APIStatusError) -> str:
    said = error.body.get("message") if isinstance(error.body, dict) else None
    # OpenAI's answer to a wrong key repeats parts of it, with stars between them.
    said = said if isinstance(said, str) and error.status_code != 401 else ""
    parts = [f"OpenAI answered {error.status_code}"]
    parts += [error.code] if error.code else []
    parts += [f"(request {error.request_id})"] if error.request_id else []
    return " ".join(parts) + (f": {said[:MAX_MESSAGE]}" if said else "")
