from __future__ import annotations

import json
import socket
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest

from preppath_workers.clients.openai.client import OpenAI, SpeechOptions
from preppath_workers.errors import JobError, RateLimited, ServiceError
from tests.fake_openai.control import OpenAIServer

from .conftest import Answers, Client

KEY = "sk-a-secret-key"


Failure = Callable[..., JobError]


@pytest.fixture
def failure(client: Client) -> Failure:
    """What a request raises."""

    def request(**account: Any) -> JobError:
        with pytest.raises(JobError) as caught:
            client(**{"api_key": KEY, **account}).synthesize("Hello.", SpeechOptions("alloy"))
        return caught.value

    return request


def verdict(error: JobError) -> str:
    """The class of the error; of a ServiceError, what it says beyond that."""
    if not isinstance(error, ServiceError):
        return type(error).__name__
    assert error.service == "openai"
    return "refuses all" if error.refuses_all else "may be paid" if error.may_be_paid else "service"


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
def test_speech_request_fails_raises_by_whose_failure_it_is(
    failure: Failure, vendor: OpenAIServer, fault: dict[str, Any], expected: str
) -> None:
    vendor.order(fault)

    assert verdict(failure()) == expected
    assert len(vendor.calls("/v1/audio/speech")) == 1, "retries are the queue's"


@pytest.mark.parametrize(
    ("options", "parameter", "expected"),
    [
        (SpeechOptions("alloy"), "voice", "refuses all"),
        (SpeechOptions("nova"), "voice", "PermanentError"),
        (SpeechOptions("alloy", speed=2), "speed", "PermanentError"),
        (SpeechOptions("alloy", instructions="Smile."), "instructions", "PermanentError"),
        (SpeechOptions("nova"), "model", "refuses all"),
    ],
    ids=str,
)
@pytest.mark.parametrize(("status", "code"), [(400, "invalid_value"), (422, "extra_forbidden")])
def test_refused_parameter_is_charged_to_who_chose_it(
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

    assert verdict(caught.value) == expected


def evaluate(openai: OpenAI) -> None:
    openai.evaluate([{"role": "user", "content": "Judge this."}], {})


def transcribe(openai: OpenAI) -> None:
    openai.transcribe(BytesIO(b"RIFF"), "a.wav", "audio/wav", "de")


def speak(openai: OpenAI) -> None:
    openai.synthesize("Hello.", SpeechOptions("alloy"))


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
def test_refused_parameter_by_request(
    client: Client, vendor: OpenAIServer, request_: Callable[[OpenAI], None], parameter: str, expected: str
) -> None:
    vendor.order({"status": 400, "code": "invalid_value", "param": parameter})

    with pytest.raises(JobError) as caught:
        request_(client())

    assert verdict(caught.value) == expected


def test_refused_setting_is_named(client: Client, vendor: OpenAIServer) -> None:
    with pytest.raises(ServiceError, match=r"^setting temperature: OpenAI answered 400 unsupported_param"):
        evaluate(client(evaluation_temperature=0.2))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"detail": [{"type": "extra_forbidden", "loc": ["body", "temperature"]}]}, "refuses all"),
        ({"detail": [{"type": "missing", "loc": ["body", "messages", 0]}]}, "PermanentError"),
        (
            {
                "object": "error",
                "message": {"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"]}]},
            },
            "refuses all",
        ),
        ({"error": {"message": "flagged", "metadata": {"reasons": ["violence"]}}}, "PermanentError"),
        ([{"error": {"code": 400, "message": "no", "status": "INVALID_ARGUMENT"}}], "PermanentError"),
    ],
    ids=str,
)
def test_error_of_another_shape_is_classified_all_the_same(
    client: Client, answers: Answers, body: Any, expected: str
) -> None:
    status = 403 if "metadata" in str(body) else 422
    url = answers(status, json.dumps(body).encode(), {"Content-Type": "application/json"})

    with pytest.raises(JobError) as caught:
        evaluate(client(base_url=url))

    assert verdict(caught.value) == expected


WORDS = "The provider says no."


@pytest.mark.parametrize("request_", [evaluate, transcribe, speak])
@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"code": 429}, "RateLimited"),
        ({"code": "429"}, "RateLimited"),
        ({"code": 402}, "refuses all"),
        ({"code": 401}, "refuses all"),
        ({"code": 502}, "service"),
        ({"code": 504}, "service"),
        ({"code": 400}, "PermanentError"),
        ({"type": "insufficient_quota", "code": None}, "refuses all"),
        ({"type": "rate_limit_error"}, "RateLimited"),
        ({"type": "overloaded_error"}, "service"),
        ({"code": "model_not_found"}, "refuses all"),
        ({"code": "unsupported_value", "param": "temperature"}, "refuses all"),
        ({}, "service"),
    ],
    ids=str,
)
def test_error_in_a_success_is_classified_like_its_status(
    client: Client,
    answers: Answers,
    request_: Callable[[OpenAI], None],
    error: dict[str, Any],
    expected: str,
) -> None:
    body = json.dumps({"error": {"message": WORDS, **error}}).encode()
    url = answers(200, body, {"Content-Type": "application/json", "x-request-id": "req_7"})

    with pytest.raises(JobError) as caught:
        request_(client(base_url=url))

    assert verdict(caught.value) == expected
    assert str(caught.value).partition("OpenAI answered 200")[2].startswith(" with an error")
    assert (WORDS in str(caught.value)) == (error != {"code": 401})
    assert "(request req_7)" in str(caught.value)


CHOICE: dict[str, Any] = {"index": 0, "message": {"role": "assistant", "content": None}}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"choices": [{**CHOICE, "error": {"code": 429, "message": WORDS}}]}, "RateLimited"),
        ({"choices": [{"index": 0, "error": {"code": 402, "message": WORDS}}]}, "refuses all"),
        (
            {"choices": [{**CHOICE, "finish_reason": "error", "error": {"code": 502, "message": WORDS}}]},
            "service",
        ),
        ({"choices": [{**CHOICE, "finish_reason": "error"}]}, "service"),
        ({"choices": [CHOICE], "error": {"code": 429, "message": WORDS}}, "RateLimited"),
        ({"choices": None, "error": "out of capacity"}, "service"),
        ({"object": "error", "code": 429, "message": WORDS}, "RateLimited"),
        ({"error": None, "choices": []}, "service"),
        ([{"error": {"code": 429, "message": WORDS}}], "RateLimited"),
    ],
    ids=str,
)
def test_choice_that_ended_in_an_error_is_classified_like_its_status(
    client: Client, answers: Answers, answer: Any, expected: str
) -> None:
    url = answers(200, json.dumps(answer).encode(), {"Content-Type": "application/json"})

    with pytest.raises(JobError) as caught:
        evaluate(client(base_url=url))

    assert verdict(caught.value) == expected
    assert (WORDS in str(caught.value)) == (WORDS in str(answer))


def test_words_of_the_vendors_own_vendor_are_kept(client: Client, answers: Answers) -> None:
    metadata = {"raw": "z-ai/glm is temporarily rate-limited upstream", "provider_name": "BaseTen"}
    error = {"code": 429, "message": "Provider returned error", "metadata": metadata}
    url = answers(200, json.dumps({"error": error}).encode(), {"Content-Type": "application/json"})

    with pytest.raises(RateLimited, match="Provider returned error: z-ai/glm is temporarily rate-limited"):
        evaluate(client(base_url=url))


def test_slow_answer_may_be_paid(failure: Failure, vendor: OpenAIServer) -> None:
    vendor.order({"latency": 1})

    assert verdict(failure(timeout=0.1)) == "may be paid"


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/v1", "http://host.invalid/v1"])
def test_no_server_is_not_paid(failure: Failure, url: str) -> None:
    assert verdict(failure(base_url=url)) == "service"


def test_no_tls_is_not_paid(failure: Failure, vendor: OpenAIServer) -> None:
    assert verdict(failure(base_url=vendor.base_url.replace("http:", "https:"))) == "service"
    assert vendor.calls() == []


def test_silent_tls_handshake_is_not_paid(failure: Failure) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"https://127.0.0.1:{mute.getsockname()[1]}/v1"
        assert verdict(failure(base_url=url, timeout=0.2)) == "service"


@pytest.mark.parametrize("model", ["gpt-9-tts", "gpt-6-luna"], ids=["unknown", "not for this"])
def test_a_model_that_can_not_be_used_is_named(failure: Failure, model: str) -> None:
    error = failure(models={"speech": model})

    assert verdict(error) == "refuses all"
    assert str(error).startswith(f"model {model}: OpenAI answered 404")


@pytest.mark.parametrize("status", [429, 503])
def test_the_time_to_wait_is_handed_on(failure: Failure, vendor: OpenAIServer, status: int) -> None:
    vendor.order({"status": status, "headers": {"Retry-After": "7"}})

    error = failure()

    assert isinstance(error, RateLimited | ServiceError)
    assert error.retry_after == 7


def test_the_message_tells_status_code_and_request(failure: Failure, vendor: OpenAIServer) -> None:
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


def test_the_message_tells_the_type_if_there_is_no_code(failure: Failure, vendor: OpenAIServer) -> None:
    vendor.order({"status": 429, "type": "insufficient_quota", "headers": {"x-request-id": "req_1"}})

    assert str(failure()).startswith("OpenAI answered 429 insufficient_quota (request req_1): ")


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

    assert verdict(error) == "refuses all"
    assert "newline" not in str(error)
