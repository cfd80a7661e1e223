"""Classify a vendor's refusal by status, code, type and parameter, never by its message."""

from __future__ import annotations

from dataclasses import dataclass

from ...config.model import ModelConfig
from ...errors import JobError, PermanentError, RateLimited, ServiceError
from ...log import redact
from ..retry_after import retry_after
from .refusals import CONFIGURATION_CODES, Refusal

#: The service's name in errors, whichever vendor answers.
SERVICE = "openai"

#: Statuses that can be about the job's own text, file or parameters.
_JOB_STATUSES = frozenset({400, 413, 414, 415, 422})
#: That of a request that is wrong for whatever reason.
_BAD_REQUEST = 400
#: That of a request that is too large: of a gateway too, it is about the job.
_TOO_LARGE = 413
#: Transient statuses below 500: timeout, conflict, wrong connection, Hugging Face's for a generation that
#: failed, too early; Groq's, for a service tier without capacity; Google's and gateways', for a request that
#: was cancelled.
_SERVICE_STATUSES = frozenset({408, 409, 421, 424, 425, 498, 499})
#: Statuses from 500 on for what the server does not support.
_NEVER_SERVED = frozenset({501, 505})
#: Statuses of a gateway that forwarded the request and got no response in time, or was not waited for.
_UNANSWERED_STATUSES = frozenset({499, 504, 524})

#: Codes and types that depend on the account and may come with a 400 or 429 (OpenAI's guide "Error codes";
#: then Moonshot's, Alibaba's and Groq's; the last two are Google's, for a key that it doesn't know and for a
#: country or an account that it doesn't serve). Limits of spending have a prefix, such as `project_`.
_ACCOUNT = frozenset(
    {
        *("insufficient_quota", "credit_balance_exhausted", "billing_hard_limit_reached"),
        *("billing_not_active", "invalid_api_key", "account_deactivated"),
        *("exceeded_current_quota_error", "arrearage", "organization_restricted"),
        *("api_key_invalid", "failed_precondition"),
    }
)
#: Codes and types about the configured model that may come with a 400; then two of Groq's, and Mistral's.
_MODEL = frozenset({"model_not_found", "model_decommissioned", "model_terms_required", "invalid_model"})
_LIMIT_SUFFIXES = ("spend_limit_exceeded", "usage_limit_exceeded")
#: Parameters whose values come from the configuration or from our own code, unless the job chose them.
_SETTINGS = frozenset(
    {
        *("model", "voice", "response_format", "temperature", "max_completion_tokens", "max_tokens"),
        *("stream", "stream_format", "reasoning", "reasoning_effort", "service_tier"),
    }
)


#: What is said of a refusal by a proxy, a gateway or another server.
_NOT_JSON = "; not JSON, so not OpenAI's: check the model's base URL"
#: What says that a service tier has no capacity: with 429, OpenAI's code; Groq's status (their guides "Flex
#: processing").
_NO_CAPACITY, _NO_CAPACITY_STATUS = "resource_unavailable", 498


@dataclass(frozen=True)
class RequestInfo:
    """What the classification needs of a request: the model's configuration, and the names of the parameters
    whose values come from the job."""

    model_config: ModelConfig
    from_job: frozenset[str] = frozenset()
    #: The service tier that is asked for, if any.
    tier: str | None = None
    #: Whether a request to the model has succeeded in this process.
    has_succeeded: bool = True


class TierUnavailable(RateLimited):
    """Raised when the service tier has no capacity now. The request costs nothing; other tiers may answer."""


def classify(refusal: Refusal, request: RequestInfo) -> JobError:
    """Return the error to raise.

    RateLimited for rate limits; PermanentError if the job's own values are the cause; ServiceError for all
    others, with `refuses_all` if the configuration or account has to change.
    """
    message = redact(str(refusal), [request.model_config.api_key])
    if 300 <= refusal.http_status < 500 and not refusal.is_json:
        message += _NOT_JSON
    status, wait = refusal.status, retry_after(refusal.headers)
    if _is_account(refusal):
        return ServiceError(SERVICE, message, refuses_all=True)
    if refusal.parameter in request.from_job and (status in _JOB_STATUSES or status == 404):
        return PermanentError(message)
    if status == 404 or _MODEL.intersection(refusal.names):
        # The model or its endpoint is unknown or shut down, or the base URL is wrong.
        return ServiceError(SERVICE, f"model {request.model_config.model}: {message}", refuses_all=True)
    if request.tier and (status == _NO_CAPACITY_STATUS or (status == 429 and _NO_CAPACITY in refusal.names)):
        return TierUnavailable(message, wait)
    # Groq answers 413 for a rate limit of tokens.
    if status == 429 or (status < 500 and "rate_limit_exceeded" in refusal.names):
        return RateLimited(message, wait)
    if status in _SERVICE_STATUSES or (status >= 500 and status not in _NEVER_SERVED):
        unanswered = refusal.http_status in _UNANSWERED_STATUSES
        return ServiceError(SERVICE, message, may_be_paid=unanswered, retry_after=wait)
    # A moderation's 403 is about the job's text; a firewall's may be.
    if status in _JOB_STATUSES or (status == 403 and (refusal.is_flagged_input or not refusal.is_json)):
        return _of_bad_request(refusal, request, message)
    return ServiceError(SERVICE, message, refuses_all=True)


def _of_bad_request(refusal: Refusal, request: RequestInfo, message: str) -> JobError:
    if refusal.parameter in _SETTINGS or CONFIGURATION_CODES.intersection(refusal.names):
        setting = f"setting {refusal.parameter}: " if refusal.parameter else ""
        return ServiceError(SERVICE, setting + message, refuses_all=True)
    if refusal.status != _TOO_LARGE and not refusal.is_json:
        # It may answer all jobs so, or only this one's text: the failures of others decide.
        return ServiceError(SERVICE, message)
    if refusal.http_status == _BAD_REQUEST and refusal.has_no_reason and not request.has_succeeded:
        # Likewise. Once the model has answered a request, it is the job's.
        model = request.model_config.model
        return ServiceError(SERVICE, f"{message}; no request of this worker to model {model} has succeeded")
    return PermanentError(message)


def _is_account(refusal: Refusal) -> bool:
    return any(name in _ACCOUNT or name.endswith(_LIMIT_SUFFIXES) for name in refusal.names)
