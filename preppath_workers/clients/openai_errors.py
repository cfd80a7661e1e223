"""Says what becomes of a job when a request to OpenAI fails: the one place that knows the SDK's errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import openai

from ..errors import JobError, OutOfService, PermanentError, RateLimited, TransientError
from ..log import redact
from ..settings import Capability
from .retry_after import retry_after

#: Statuses below 500 that the same request may not meet again: request timeout, conflict.
TRANSIENT_STATUSES = frozenset({408, 409})
#: Statuses that every request meets until somebody mends the account: the key, the bill, the permissions.
ACCOUNT_STATUSES = frozenset({401, 402, 403})
#: Codes that say the same, and may come with a 429, whose other causes heal by waiting (OpenAI's guide "Error
#: codes"); the limits of spending and usage come with a prefix, such as `project_`.
ACCOUNT_CODES = frozenset(
    {"insufficient_quota", "credit_balance_exhausted", "billing_hard_limit_reached", "billing_not_active"}
)
LIMIT_CODES = ("spend_limit_exceeded", "usage_limit_exceeded")
#: Characters of the vendor's message that are kept.
MAX_MESSAGE = 300


@contextmanager
def openai_errors(capability: Capability) -> Iterator[None]:
    """Turns what the SDK raises inside the block into RateLimited, OutOfService, TransientError or
    PermanentError.

    The SDK's errors are not chained to ours: their text can repeat the key (a key with a line break in it,
    for one, is quoted by the HTTP library), and chained errors end up in logs. What helps is taken over.
    """
    try:
        yield
    except openai.APIStatusError as error:
        raise classify(error, capability) from None
    except openai.APITimeoutError:
        raise TransientError("OpenAI did not answer in time") from None
    except openai.APIConnectionError as error:
        raise TransientError(f"no connection to OpenAI ({type(error.__cause__).__name__})") from None
    except (openai.OpenAIError, ValueError, RecursionError) as error:
        # The SDK hands on what its JSON reader raises: of bytes that are no text, of a number with thousands
        # of digits, of brackets without end.
        raise TransientError(f"OpenAI's answer can not be read ({type(error).__name__})") from None


def classify(error: openai.APIStatusError, capability: Capability) -> JobError:
    """The error to raise for an answer of 400 or more, by its code and its status, never by its words."""
    message = redact(_describe(error), [capability.api_key])
    status, headers = error.status_code, error.response.headers
    if _is_account(status, error.code):
        return OutOfService(message)
    if status == 404 or error.code == "model_not_found":
        # We ask for nothing that comes and goes: the model is unknown or shut down, its endpoint is, or the
        # base URL is wrong. No job can succeed, and none is to blame.
        return OutOfService(f"model {capability.model}: {message}")
    if status == 429:
        return RateLimited(message, retry_after(headers))
    if status in TRANSIENT_STATUSES or status >= 500:
        return TransientError(message, retry_after(headers))
    return PermanentError(message)


def _is_account(status: int, code: str | None) -> bool:
    return status in ACCOUNT_STATUSES or code in ACCOUNT_CODES or (code or "").endswith(LIMIT_CODES)


def _describe(error: openai.APIStatusError) -> str:
    said = error.body.get("message") if isinstance(error.body, dict) else None
    # OpenAI's answer to a wrong key repeats parts of it, with stars between them.
    said = said if isinstance(said, str) and error.status_code != 401 else ""
    parts = [f"OpenAI answered {error.status_code}"]
    parts += [error.code] if error.code else []
    parts += [f"(request {error.request_id})"] if error.request_id else []
    return " ".join(parts) + (f": {said[:MAX_MESSAGE]}" if said else "")
