from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from preppath_workers.clients.openai import Manner
from preppath_workers.dev.openai.control import OpenAIServer
from preppath_workers.errors import JobError, OutOfService, PermanentError, RateLimited, TransientError

from .conftest import Client

KEY = "sk-a-secret-key"


Failure = Callable[..., JobError]


@pytest.fixture
def failure(client: Client) -> Failure:
    """What a request raises."""

    def request(**account: Any) -> JobError:
        with pytest.raises(JobError) as caught:
            client(**{"api_key": KEY, **account}).speak("Hello.", Manner("alloy"))
        return caught.value

    return request


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"status": 400}, PermanentError),
        ({"status": 400, "code": "model_not_found"}, OutOfService),
        ({"status": 401}, OutOfService),
        ({"status": 402}, OutOfService),
        ({"status": 403}, OutOfService),
        ({"status": 404}, OutOfService),
        ({"status": 408}, TransientError),
        ({"status": 409}, TransientError),
        ({"status": 413}, PermanentError),
        ({"status": 422}, PermanentError),
        ({"status": 429}, RateLimited),
        ({"status": 429, "code": "rate_limit_exceeded"}, RateLimited),
        ({"status": 429, "message": "You exceeded your current quota: insufficient_quota."}, RateLimited),
        ({"status": 429, "code": "insufficient_quota"}, OutOfService),
        ({"status": 429, "code": "credit_balance_exhausted"}, OutOfService),
        ({"status": 429, "code": "project_spend_limit_exceeded"}, OutOfService),
        ({"status": 429, "code": "organization_spend_limit_exceeded"}, OutOfService),
        ({"status": 429, "code": "organization_usage_limit_exceeded"}, OutOfService),
        ({"status": 429, "code": "billing_hard_limit_reached"}, OutOfService),
        ({"status": 400, "code": "billing_not_active"}, OutOfService),
        ({"status": 500}, TransientError),
        ({"status": 503}, TransientError),
        ({"status": 529}, TransientError),
        ({"cut": "before"}, TransientError),
        ({"cut": "middle"}, TransientError),
        ({"body": ""}, TransientError),
    ],
    ids=str,
)
def test_what_becomes_of_the_job(
    failure: Failure, vendor: OpenAIServer, fault: dict[str, Any], expected: type
) -> None:
    vendor.order(fault)

    assert type(failure()) is expected
    assert len(vendor.calls("/v1/audio/speech")) == 1, "retries are the queue's"


def test_an_answer_that_takes_too_long_is_a_transient_error(failure: Failure, vendor: OpenAIServer) -> None:
    vendor.order({"latency": 1})

    assert type(failure(timeout=0.1)) is TransientError


def test_no_server_is_a_transient_error(failure: Failure) -> None:
    assert type(failure(base_url="http://127.0.0.1:1/v1")) is TransientError


@pytest.mark.parametrize("model", ["gpt-9-tts", "gpt-6-luna"], ids=["unknown", "not for this"])
def test_a_model_that_can_not_be_used_is_named(failure: Failure, model: str) -> None:
    error = failure(models={"speech": model})

    assert type(error) is OutOfService
    assert str(error).startswith(f"model {model}: OpenAI answered 404")


@pytest.mark.parametrize("status", [429, 503])
def test_the_time_to_wait_is_handed_on(failure: Failure, vendor: OpenAIServer, status: int) -> None:
    vendor.order({"status": status, "headers": {"Retry-After": "7"}})

    error = failure()

    assert isinstance(error, RateLimited | TransientError)
    assert error.retry_after == 7


def test_the_message_tells_status_code_and_request(failure: Failure, vendor: OpenAIServer) -> None:
    vendor.order(
        {
            "status": 400,
            "code": "invalid_value",
            "message": "No such voice.",
            "headers": {"x-request-id": "req_1"},
        }
    )

    assert str(failure()) == "OpenAI answered 400 invalid_value (request req_1): No such voice."


@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_no_message_repeats_the_key(failure: Failure, vendor: OpenAIServer, status: int) -> None:
    vendor.order({"status": status, "message": f"Incorrect API key provided: {KEY}, sk-a-***-key"})

    error = failure()

    assert KEY not in str(error)
    assert (status == 401) == ("***-key" not in str(error)), "a 401 repeats parts of the key"
    assert error.__cause__ is None
    assert error.__suppress_context__, "the SDK's words are not logged with ours"


def test_a_key_that_no_header_can_hold_is_not_repeated(failure: Failure) -> None:
    error = failure(api_key="sk-with\nnewline")

    assert "newline" not in str(error)
