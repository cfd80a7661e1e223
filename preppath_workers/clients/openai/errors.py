"""Translate the OpenAI SDK's errors into the package's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import openai

from ...errors import JobError, ServiceError
from ..causes import described
from ..machine import machine_error
from .classification import SERVICE, RequestInfo, classify
from .connection import Redirected
from .refusals import Refusal, Refused

#: The HTTP library's errors of a request that was not sent completely, so it cannot be charged. By name,
#: because the SDK uses one of two libraries with the same names.
_NOT_SENT = frozenset(
    {
        *("ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError", "WriteError", "WriteTimeout"),
        *("UnsupportedProtocol", "LocalProtocolError", "TooManyRedirects"),
    }
)
#: Errors of a request that cannot be sent, because a configured header or URL is wrong.
_UNSENDABLE = frozenset({"UnsupportedProtocol", "LocalProtocolError", "TooManyRedirects"})


@contextmanager
def openai_errors(request: RequestInfo) -> Iterator[None]:
    """Turn errors of the SDK inside the block, and an error in a successful response, into RateLimited,
    ServiceError, PermanentError or MachineError.

    The SDK's errors are not chained, because their text can quote the key and chained errors are logged.
    """
    try:
        yield
    except openai.APIStatusError as error:
        refusal = Refusal(error.status_code, error.body, error.response.headers, error.request_id)
        raise classify(refusal, request) from None
    except Refused as error:
        raise classify(error.refusal, request) from None
    except openai.APIConnectionError as error:
        raise _no_answer(error) from None
    except (openai.OpenAIError, ValueError, RecursionError) as error:
        # The SDK passes on errors of the JSON parser: truncated text, invalid UTF-8, huge numbers, nesting.
        raise ServiceError(
            SERVICE, f"cannot parse OpenAI's response ({type(error).__name__})", may_be_paid=True
        ) from None


def _no_answer(error: openai.APIConnectionError) -> JobError:
    if isinstance(error.__cause__, Redirected):
        message = f"OpenAI's server redirects to {error.__cause__}: check the model's base URL"
        return ServiceError(SERVICE, message, refuses_all=True)
    cause = type(error.__cause__)
    names = {each.__name__ for each in cause.__mro__}
    if names & _NOT_SENT:
        if machine := machine_error(error):
            return machine
        message = f"no connection to OpenAI ({described(error.__cause__ or error)})"
        if "TooManyRedirects" in names:
            message = "OpenAI's server redirects without end: check the model's base URL"
        return ServiceError(SERVICE, message, refuses_all=bool(names & _UNSENDABLE))
    if isinstance(error, openai.APITimeoutError):
        return ServiceError(SERVICE, "OpenAI did not answer in time", may_be_paid=True)
    message = f"OpenAI's response is incomplete or missing ({cause.__name__})"
    return ServiceError(SERVICE, message, may_be_paid=True)
