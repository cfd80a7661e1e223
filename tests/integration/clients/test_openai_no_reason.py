"""Refusals that do not say whether the configured model or the job's own values are the cause."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from io import BytesIO

import pytest

from preppath_workers.clients.openai.client import OpenAI
from preppath_workers.errors import JobError, PermanentError, ServiceError
from tests.fake_openai.control import OpenAIServer

from .conftest import Answers, Client
from .openai_requests import classification, evaluate, speak_text

Request = Callable[[OpenAI], None]

#: As LiteLLM and DeepSeek answer for a model that they do not know.
NO_REASON = [
    {"code": "400", "type": "None", "param": "None"},
    {"code": "invalid_request_error", "type": "invalid_request_error"},
]
#: What names a reason, or is of a server that has another status for unknown models.
REASON = [
    {"type": "invalid_request_error"},
    {"type": "BadRequestError", "code": "400"},
    {"type": "invalid_request_error", "code": "context_length_exceeded"},
    {"type": "None", "code": "400", "param": "input"},
]


def refusal(openai: OpenAI, vendor: OpenAIServer, request: Request, error: Mapping[str, str]) -> str:
    """The classification of a request that the vendor refuses like this."""
    vendor.order({"status": 400, **error})
    with pytest.raises(JobError) as caught:
        request(openai)
    return classification(caught.value)


@pytest.mark.parametrize("request_", [evaluate, speak_text])
@pytest.mark.parametrize("error", NO_REASON, ids=str)
def test_refusal_without_a_reason_is_the_jobs_only_if_the_model_has_answered_another(
    client: Client, vendor: OpenAIServer, request_: Request, error: dict[str, str]
) -> None:
    """Each job was dead at once if the configured model did not exist. Now the failures of others decide."""
    openai = client()
    assert refusal(openai, vendor, request_, error) == "service"
    assert refusal(openai, vendor, request_, error) == "service"

    request_(openai)

    assert refusal(openai, vendor, request_, error) == "PermanentError"


@pytest.mark.parametrize(("is_converted", "expected"), [(False, "PermanentError"), (True, "service")])
@pytest.mark.parametrize("error", NO_REASON, ids=str)
def test_refusal_of_a_recording_without_a_reason_is_the_jobs_until_it_is_converted(
    client: Client, vendor: OpenAIServer, error: dict[str, str], is_converted: bool, expected: str
) -> None:
    """Its codec may be the cause, and ffmpeg the remedy."""

    def transcribe(openai: OpenAI) -> None:
        openai.transcribe(BytesIO(b"RIFF"), "a.wav", "audio/wav", is_converted=is_converted)

    assert refusal(client(), vendor, transcribe, error) == expected


def test_refusal_of_openrouters_unknown_model_says_that_no_request_has_succeeded(
    client: Client, answers: Answers
) -> None:
    body = {"error": {"message": "no-such-model is not a valid model ID", "code": 400}, "user_id": "u"}
    url = answers(400, json.dumps(body).encode(), {"Content-Type": "application/json"})

    with pytest.raises(ServiceError) as caught:
        evaluate(client(base_url=url))

    assert str(caught.value) == (
        "OpenAI answered 400: no-such-model is not a valid model ID; "
        "no request of this worker to model gpt-6-luna has succeeded"
    )


def test_refusal_of_a_provider_behind_openrouter_is_the_jobs_at_once(
    client: Client, answers: Answers
) -> None:
    metadata = {"raw": "the prompt is too long", "provider_name": "BaseTen"}
    body = {"error": {"message": "Provider returned error", "code": 400, "metadata": metadata}}
    url = answers(400, json.dumps(body).encode(), {"Content-Type": "application/json"})

    with pytest.raises(PermanentError, match="the prompt is too long"):
        evaluate(client(base_url=url))


@pytest.mark.parametrize("error", REASON, ids=str)
def test_refusal_with_a_reason_is_the_jobs_at_once(
    client: Client, vendor: OpenAIServer, error: dict[str, str]
) -> None:
    assert refusal(client(), vendor, speak_text, error) == "PermanentError"


def test_refusal_of_mistrals_unknown_model_refuses_all(client: Client, vendor: OpenAIServer) -> None:
    error = {"type": "invalid_model", "code": "1500"}
    assert refusal(client(), vendor, evaluate, error) == "refuses all"
