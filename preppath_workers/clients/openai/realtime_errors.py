"""Translate errors of websockets and the Realtime API's error events into the package's."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import openai
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidStatus,
    InvalidURI,
    WebSocketException,
)

from ...errors import JobError, PermanentError, RateLimited, ServiceError, TransientError
from ..causes import described
from ..machine import machine_error
from .classification import SERVICE, RequestInfo, classify
from .refusals import Refusal
from .reported import field

#: HTTP statuses by close code (RFC 6455, 7.4, and IANA's registry of close codes):
#: restarting, try again later, bad gateway, unauthorized, forbidden, timeout.
_CLOSE_STATUSES = {1012: 503, 1013: 503, 1014: 502, 3000: 401, 3003: 403, 3008: 408}
#: Characters of a server's message that are kept.
_MAX_REASON = 200


class _Closing(Refusal):
    """The code and reason with which a server closed the connection."""

    def __str__(self) -> str:
        # As with HTTP: a message about a wrong key quotes parts of it.
        said = str(self.error["message"])
        return said if self.status != 401 or " " not in self.error["code"] else said.partition(":")[0]


class Progress:
    """The progress of a response. Once it is `sent`, it may be charged."""

    def __init__(self) -> None:
        self.sent = False


@contextmanager
def realtime_errors(request: RequestInfo, progress: Progress) -> Iterator[None]:
    """Turn what the SDK and websockets raise in the block into RateLimited, ServiceError, PermanentError
    or MachineError.

    The originals are not chained: they hold the request with its key.
    """
    try:
        yield
    except InvalidStatus as error:
        raise _refused_handshake(error, request) from None
    except ConnectionClosed as error:
        raise _closed(error, request, progress.sent) from None
    except TimeoutError:
        message = (
            "OpenAI was silent in the middle of a response"
            if progress.sent
            else "OpenAI did not answer in time"
        )
        raise ServiceError(SERVICE, message, may_be_paid=progress.sent) from None
    except InvalidURI as error:
        message = f"no connection to OpenAI ({type(error).__name__})"
        raise ServiceError(SERVICE, message, refuses_all=True) from None
    except (OSError, InvalidHandshake) as error:
        if not progress.sent and (machine := machine_error(error)):
            raise machine from None
        message = f"no connection to OpenAI ({described(error)})"
        raise ServiceError(SERVICE, message, may_be_paid=progress.sent) from None
    except (WebSocketException, openai.OpenAIError, ValueError, RecursionError) as error:
        message = f"cannot parse OpenAI's response ({type(error).__name__})"
        raise ServiceError(SERVICE, message, may_be_paid=progress.sent) from None


def refused_event(
    error: Any, request: RequestInfo, *, is_setup: bool = False, may_be_paid: bool = False
) -> JobError:
    """Return the error for an `error` event, or for the error of a failed response.

    An error of the session's setup depends on the configuration, unless its parameter comes from the job.
    """
    fields = dict(error) if isinstance(error, Mapping) else {"message": error}
    if isinstance(fields.get("param"), str):
        # "session.audio.output.voice" is the parameter that a job calls "voice".
        fields["param"] = fields["param"].rpartition(".")[2]
    refusal = Refusal(200, fields)
    found = classify(refusal, request)
    if is_setup and isinstance(found, PermanentError) and refusal.parameter not in request.from_job:
        return ServiceError(SERVICE, f"cannot set up the session: {found}", refuses_all=True)
    return _charged(found) if may_be_paid else found


def unfinished(response: Mapping[str, Any], request: RequestInfo, reset: float | None = None) -> JobError:
    """Return the error for a response that ended in any way but `completed`. `reset`: seconds until used-up
    rate limits are whole again, which come in an event of their own."""
    status, reason = response.get("status"), field(response, "status_details", "reason")
    error = field(response, "status_details", "error")
    if isinstance(error, Mapping):
        found = refused_event(error, request)
        return RateLimited(str(found), reset) if isinstance(found, RateLimited) else found
    if reason == "content_filter":
        return PermanentError("OpenAI's content filter stopped the speech")
    if status == "incomplete":
        return TransientError(f"the speech was cut off ({_word(reason)})")
    if status not in ("failed", "cancelled"):
        message = f"OpenAI's response ended with an unknown status ({_word(status)})"
        return ServiceError(SERVICE, message, may_be_paid=True)
    return ServiceError(SERVICE, f"OpenAI's response ended as {status} ({_word(reason)})")


def _charged(error: JobError) -> JobError:
    """Return the error with `may_be_paid` if it is a transient failure of the service."""
    if isinstance(error, ServiceError) and not error.refuses_all:
        return ServiceError(SERVICE, str(error), may_be_paid=True, retry_after=error.retry_after)
    return error


def _refused_handshake(error: InvalidStatus, request: RequestInfo) -> JobError:
    response = error.response
    headers = {name.lower(): value for name, value in response.headers.raw_items()}
    refusal = Refusal(response.status_code, _body(response.body), headers, headers.get("x-request-id"))
    found = classify(refusal, request)
    # A handshake has nothing of the job.
    return ServiceError(SERVICE, str(found), refuses_all=True) if isinstance(found, PermanentError) else found


def _body(body: bytes | bytearray | None) -> Any:
    try:
        value = json.loads(body or b"null")
    except (ValueError, RecursionError):
        return None
    return value.get("error", value) if isinstance(value, dict) else None


def _closed(closed: ConnectionClosed, request: RequestInfo, sent: bool) -> JobError:
    """Return the error for a connection that ended, by the code, and by the reason if that is a code too."""
    frame = closed.rcvd
    if frame is None:
        return ServiceError(SERVICE, "the connection to OpenAI was cut", may_be_paid=sent)
    message = f"OpenAI closed the connection ({frame.code})"
    if frame.code == 1009:  # too big: our own frame, hence the job's text
        return PermanentError(message)
    # Reasons are words, or codes such as `invalid_request_error.invalid_api_key`.
    reason = f": {frame.reason[:_MAX_REASON]}" if frame.reason else ""
    error = {"code": frame.reason.rpartition(".")[2], "message": f"{message}{reason}"}
    found = classify(_Closing(_CLOSE_STATUSES.get(frame.code, 200), error), request)
    if not sent and isinstance(found, PermanentError):
        # Of the job, the session has its options at most: the failures of others decide.
        return ServiceError(SERVICE, str(found))
    return _charged(found) if sent else found


def _word(value: Any) -> str:
    return value[:_MAX_REASON] if isinstance(value, str) else "none given"
