"""How the OpenAI client classifies failed requests, and what its messages say."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest

from preppath_workers.clients.openai.client import OpenAI, SpeechOptions
from preppath_workers.errors import JobError, MachineError, RateLimited, ServiceError
from tests.fake_openai.control import OpenAIServer

from .conftest import Answers, Client
from .openai_requests import classification, evaluate, speak_text, transcribe
from .shortages import no_descriptors

KEY = "sk-a-secret-key"
Failure = Callable[..., JobError]


@pytest.fixture
def failure(client: Client) -> Failure:
    """Make a request that fails; return its error."""

    def request(**account: Any) -> JobError:
        with pytest.raises(JobError) as caught:
            client(**{"api_key": KEY, **account}).synthesize("Hello.", SpeechOptions("alloy"))
        return caught.value

    return request


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"status": 400}, "PermanentError"),
        ({"status": 413}, "PermanentError"),
        ({"status": 422}, "PermanentError"),
        ({"status": 400, "code": "model_not_found"}, "refuses all"),
        ({"status": 401}, "refuses all"),
        ({"status": 402}, "refuses all"),
        ({"status": 403}, "refuses all"),
        ({"status": 404}, "refuses all"),
        ({"status": 405}, "refuses all"),
        ({"status": 501}, "refuses all"),
        ({"status": 408}, "service"),
        ({"status": 409}, "service"),
        ({"status": 421}, "service"),
        ({"status": 424}, "service"),
        ({"status": 425}, "service"),
        ({"status": 498, "code": "capacity_exceeded"}, "service"),
        ({"status": 499}, "may be paid"),
        ({"status": 500}, "service"),
        ({"status": 503}, "service"),
        ({"status": 529}, "service"),
        ({"status": 504}, "may be paid"),
        ({"status": 429}, "RateLimited"),
        ({"status": 429, "code": "rate_limit_exceeded", "type": "tokens"}, "RateLimited"),
        ({"status": 413, "code": "rate_limit_exceeded", "type": "tokens"}, "RateLimited"),
        ({"status": 429, "message": "You exceeded your current quota: insufficient_quota."}, "RateLimited"),
        ({"status": 429, "code": "insufficient_quota"}, "refuses all"),
        ({"status": 429, "type": "insufficient_quota"}, "refuses all"),
        ({"status": 429, "type": "exceeded_current_quota_error"}, "refuses all"),
        ({"status": 429, "code": "credit_balance_exhausted"}, "refuses all"),
        ({"status": 429, "code": "project_spend_limit_exceeded"}, "refuses all"),
        ({"status": 429, "code": "organization_spend_limit_exceeded"}, "refuses all"),
        ({"status": 429, "code": "organization_usage_limit_exceeded"}, "refuses all"),
        ({"status": 429, "code": "billing_hard_limit_reached"}, "refuses all"),
        ({"status": 400, "code": "billing_not_active"}, "refuses all"),
        ({"status": 400, "code": "invalid_value", "param": "input"}, "PermanentError"),
        ({"status": 400, "code": "unsupported_value", "param": "input"}, "PermanentError"),
        ({"status": 400, "code": "invalid_value", "param": "voice"}, "refuses all"),
        ({"status": 400, "code": "invalid_value", "param": "response_format"}, "refuses all"),
        ({"status": 400, "code": "unknown_parameter"}, "refuses all"),
        ({"status": 400, "type": "unsupported_parameter", "param": "whatever"}, "refuses all"),
        ({"cut": "before"}, "may be paid"),
        ({"cut": "middle"}, "may be paid"),
        ({"body": ""}, "TransientError"),
    ],
    ids=str,
)
def test_error_response_is_classified_by_its_cause(
    failure: Failure, vendor: OpenAIServer, fault: dict[str, Any], expected: str
) -> None:
    vendor.order(fault)

    assert classification(failure()) == expected
    assert len(vendor.calls("/v1/audio/speech")) == 1, "retries are the queue's"


@pytest.mark.parametrize(
    ("options", "parameter", "expected", "status", "code"),
    [
        (SpeechOptions("alloy"), "voice", "refuses all", 400, "invalid_value"),
        (SpeechOptions("nova"), "voice", "PermanentError", 400, "invalid_value"),
        (SpeechOptions("alloy", speed=2), "speed", "PermanentError", 400, "invalid_value"),
        (SpeechOptions("alloy", speed=2), "speed", "PermanentError", 422, "extra_forbidden"),
        (
            SpeechOptions("alloy", instructions="Smile."),
            "instructions",
            "PermanentError",
            400,
            "invalid_value",
        ),
        (SpeechOptions("nova"), "voice", "PermanentError", 404, "voice_not_found"),
        (SpeechOptions("nova"), "voice", "service", 503, "voice_not_loaded"),
        (SpeechOptions("nova"), "model", "refuses all", 400, "invalid_value"),
        (SpeechOptions("nova"), "model", "refuses all", 422, "extra_forbidden"),
    ],
    ids=str,
)
def test_refused_parameter_of_speech_is_classified_by_who_chose_it(
    client: Client,
    vendor: OpenAIServer,
    options: SpeechOptions,
    parameter: str,
    expected: str,
    status: int,
    code: str,
) -> None:
    vendor.order({"status": status, "code": code, "param": parameter})

    with pytest.raises(JobError) as caught:
        client(speech_voice="alloy").synthesize("Hello.", options)

    assert classification(caught.value) == expected


@pytest.mark.parametrize(
    ("request_", "parameter", "expected"),
    [
        (evaluate, "messages[0].content", "PermanentError"),
        (evaluate, "temperature", "refuses all"),
        (evaluate, "response_format.json_schema", "refuses all"),
        (evaluate, "input_tokens", "PermanentError"),
        (transcribe, "file", "PermanentError"),
        (transcribe, "languages[0]", "PermanentError"),
        (transcribe, "response_format", "refuses all"),
    ],
)
def test_refused_parameter_of_a_request_is_classified_by_its_source(
    client: Client, vendor: OpenAIServer, request_: Callable[[OpenAI], None], parameter: str, expected: str
) -> None:
    vendor.order({"status": 400, "code": "invalid_value", "param": parameter})

    with pytest.raises(JobError) as caught:
        request_(client())

    assert classification(caught.value) == expected


def test_refused_setting_is_named_in_the_message(client: Client, vendor: OpenAIServer) -> None:
    with pytest.raises(ServiceError, match=r"^setting temperature: OpenAI answered 400 unsupported_param"):
        evaluate(client(evaluation_temperature=0.2))


def test_request_without_an_answer_in_time_may_be_paid(failure: Failure, vendor: OpenAIServer) -> None:
    vendor.order({"latency": 1})

    assert classification(failure(timeout=0.1)) == "may be paid"


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/v1", "http://host.invalid/v1"])
def test_unreachable_server_is_not_paid(failure: Failure, url: str) -> None:
    assert classification(failure(base_url=url)) == "service"


def test_connection_without_a_free_descriptor_is_a_machine_error(client: Client) -> None:
    """Not OpenAI's failure, which would hold the queue for all machines."""
    openai = client()
    openai.preload()

    with no_descriptors(), pytest.raises(MachineError) as caught:
        speak_text(openai)

    assert caught.value.resource == "descriptors"


def test_server_without_tls_is_not_paid(failure: Failure, vendor: OpenAIServer) -> None:
    assert classification(failure(base_url=vendor.base_url.replace("http:", "https:"))) == "service"
    assert vendor.calls() == []


def test_tls_handshake_without_an_answer_is_not_paid(failure: Failure) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/v1"
        assert classification(failure(base_url=url, timeout=0.2)) == "service"


@pytest.mark.parametrize("model", ["gpt-9-tts", "gpt-6-luna"], ids=["unknown", "not for this"])
def test_unusable_model_refuses_all_and_is_named(failure: Failure, model: str) -> None:
    error = failure(models={"speech": model})

    assert classification(error) == "refuses all"
    assert str(error).startswith(f"model {model}: OpenAI answered 404")


@pytest.mark.parametrize("status", [429, 503])
def test_error_response_with_retry_after_sets_the_delay(
    failure: Failure, vendor: OpenAIServer, status: int
) -> None:
    vendor.order({"status": status, "headers": {"Retry-After": "7"}})

    error = failure()

    assert isinstance(error, RateLimited | ServiceError)
    assert error.retry_after == 7


def test_message_of_an_error_has_status_code_and_request_id(failure: Failure, vendor: OpenAIServer) -> None:
    vendor.order(
        {
            "status": 400,
            "code": "invalid_value",
            "param": "input",
            "message": "No such words.",
            "headers": {"x-request-id": "req_1"},
        }
    )

    assert str(failure()) == "OpenAI answered 400 invalid_value (request req_1): No such words."


def test_message_of_an_error_without_a_code_has_its_type(failure: Failure, vendor: OpenAIServer) -> None:
    vendor.order({"status": 429, "type": "insufficient_quota", "headers": {"x-request-id": "req_1"}})

    assert str(failure()).startswith("OpenAI answered 429 insufficient_quota (request req_1): ")


@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_message_of_an_error_never_shows_the_key(failure: Failure, vendor: OpenAIServer, status: int) -> None:
    vendor.order({"status": status, "message": f"Incorrect API key provided: {KEY}, sk-a-***-key"})

    error = failure()

    assert KEY not in str(error)
    assert (status == 401) == ("***-key" not in str(error)), "a 401 message contains parts of the key"
    assert error.__cause__ is None
    assert error.__suppress_context__, "the SDK's message is not logged with ours"


def test_key_that_no_header_can_hold_refuses_all_and_is_not_shown(failure: Failure) -> None:
    error = failure(api_key="sk-with\nnewline")

    assert classification(error) == "refuses all"
    assert "newline" not in str(error)


@pytest.mark.parametrize(
    ("status", "headers", "said"),
    [
        (308, {"Location": "/v1/chat/completions"}, "OpenAI's server redirects without end"),
        (200, {"Content-Type": "text/html"}, "OpenAI answered without a choice, with text that is not JSON"),
    ],
)
def test_server_that_is_not_openai_is_named_as_a_wrong_url(
    client: Client, answers: Answers, status: int, headers: dict[str, str], said: str
) -> None:
    url = answers(status, b"<html>Log in.</html>", headers)

    with pytest.raises(ServiceError) as caught:
        evaluate(client(base_url=f"{url}/v1"))

    assert str(caught.value) == f"{said}: check the model's base URL"
