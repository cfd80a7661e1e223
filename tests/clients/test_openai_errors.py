from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from preppath_workers.clients.openai import OpenAI
from preppath_workers.clients.openai_errors import MAX_RETRY_AFTER, retry_after
from preppath_workers.config import OpenAIConfig
from preppath_workers.dev.openai.control import OpenAIServer
from preppath_workers.errors import JobError, PermanentError, RateLimited, TransientError

KEY = "sk-a-secret-key"
NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


def client(base_url: str, key: str, read_timeout: float) -> OpenAI:
    config = OpenAIConfig(
        api_key=key,
        organization=None,
        base_url=base_url,
        evaluation_model="gpt-6-luna",
        transcription_model="gpt-transcribe",
        speech_model="gpt-4o-mini-tts",
        speech_voice="alloy",
    )
    return OpenAI(config, read_timeout=read_timeout)


def failure(base_url: str, key: str = KEY, read_timeout: float = 10) -> JobError:
    with pytest.raises(JobError) as caught:
        client(base_url, key, read_timeout).speak("Hello.")
    return caught.value


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"status": 400}, PermanentError),
        ({"status": 401}, PermanentError),
        ({"status": 403}, PermanentError),
        ({"status": 404}, PermanentError),
        ({"status": 408}, TransientError),
        ({"status": 409}, TransientError),
        ({"status": 413}, PermanentError),
        ({"status": 422}, PermanentError),
        ({"status": 429}, RateLimited),
        ({"status": 500}, TransientError),
        ({"status": 503}, TransientError),
        ({"status": 529}, TransientError),
        ({"cut": "before"}, TransientError),
        ({"cut": "middle"}, TransientError),
        ({"body": ""}, TransientError),
    ],
    ids=str,
)
def test_what_becomes_of_the_job(vendor: OpenAIServer, fault: dict[str, Any], expected: type) -> None:
    vendor.order(fault)

    assert type(failure(vendor.base_url)) is expected
    assert len(vendor.calls("/v1/audio/speech")) == 1, "retries are the queue's"


def test_an_answer_that_takes_too_long_is_a_transient_error(vendor: OpenAIServer) -> None:
    vendor.order({"latency": 1})

    assert type(failure(vendor.base_url, read_timeout=0.1)) is TransientError


def test_no_server_is_a_transient_error() -> None:
    assert type(failure("http://127.0.0.1:1/v1")) is TransientError


@pytest.mark.parametrize("status", [429, 503])
def test_the_time_to_wait_is_handed_on(vendor: OpenAIServer, status: int) -> None:
    vendor.order({"status": status, "headers": {"Retry-After": "7"}})

    error = failure(vendor.base_url)

    assert isinstance(error, RateLimited | TransientError)
    assert error.retry_after == 7


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "1"}, 1.0),
        ({"retry-after": "Mon, 23 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Mon, 23 Nov 2026 12:00:30 -0000"}, 30.0),
        ({"retry-after": "Mon, 23 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "99999999"}, MAX_RETRY_AFTER),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "later"}, None),
        ({"retry-after": ""}, None),
    ],
    ids=str,
)
def test_every_way_to_spell_the_time_to_wait(headers: dict[str, str], expected: float | None) -> None:
    assert retry_after(headers, NOW) == (expected if expected is None else pytest.approx(expected))


def test_the_message_tells_status_code_and_request(vendor: OpenAIServer) -> None:
    vendor.order(
        {
            "status": 400,
            "code": "invalid_value",
            "message": "No such voice.",
            "headers": {"x-request-id": "req_1"},
        }
    )

    assert (
        str(failure(vendor.base_url)) == "OpenAI answered 400 invalid_value (request req_1): No such voice."
    )


@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_no_message_repeats_the_key(vendor: OpenAIServer, status: int) -> None:
    vendor.order({"status": status, "message": f"Incorrect API key provided: {KEY}, sk-a-***-key"})

    error = failure(vendor.base_url)

    assert KEY not in str(error)
    assert (status == 401) == ("***-key" not in str(error)), "a 401 repeats parts of the key"
    assert error.__cause__ is None
    assert error.__suppress_context__, "the SDK's words are not logged with ours"


def test_a_key_that_no_header_can_hold_is_not_repeated(vendor: OpenAIServer) -> None:
    error = failure(vendor.base_url, key="sk-with\nnewline")

    assert "newline" not in str(error)
