"""Says what becomes of a job when a request to OpenAI fails: the one place that knows the SDK's errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import openai

from ...errors import ServiceError
from .classification import SERVICE, RequestInfo, classify
from .refusals import Refusal, Refused

#: The HTTP library's errors of a request that did not leave whole, and cannot have been charged. By name,
#: because the SDK brings one of two libraries that have the same names.
_NOT_SENT = frozenset(
    {
        *("ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError", "WriteError", "WriteTimeout"),
        *("UnsupportedProtocol", "LocalProtocolError", "TooManyRedirects"),
    }
)
#: Those of a request that cannot be sent at all, with a header or URL that come from the configuration.
_UNSENDABLE = frozenset({"UnsupportedProtocol", "LocalProtocolError", "TooManyRedirects"})


@contextmanager
def openai_errors(request: RequestInfo) -> Iterator[None]:
    """Turns what the SDK raises inside the block, and an error in a successful answer, into RateLimited,
    ServiceError or PermanentError.

    The SDK's errors are not chained to ours: their text can repeat the key (a key with a line break in it,
    for one, is quoted by the HTTP library), and chained errors end up in logs. What helps is taken over.
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
        # The SDK hands on what its JSON reader raises: of an answer that breaks off, of bytes that are no
        # text, of a number with thousands of digits, of brackets without end.
        raise ServiceError(
            SERVICE, f"OpenAI's answer cannot be read ({type(error).__name__})", may_be_paid=True
        ) from None


def _no_answer(error: openai.APIConnectionError) -> ServiceError:
    cause = type(error.__cause__)
    names = {each.__name__ for each in cause.__mro__}
    if names & _NOT_SENT:
        message = f"no connection to OpenAI ({cause.__name__})"
        return ServiceError(SERVICE, message, refuses_all=bool(names & _UNSENDABLE))
    if isinstance(error, openai.APITimeoutError):
        return ServiceError(SERVICE, "OpenAI did not answer in time", may_be_paid=True)
    message = f"OpenAI's answer broke off or never came ({cause.__name__})"
    return ServiceError(SERVICE, message, may_be_paid=True)
