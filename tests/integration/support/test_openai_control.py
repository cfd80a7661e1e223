"""The faults that tests order from the OpenAI-compatible server, and its record of calls."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from typing import Any

import openai
import pytest
import requests

from tests.fake_openai.control import OpenAIServer
from tests.support.speech import synthesize

pytestmark = pytest.mark.trial

SPEECH = "/v1/audio/speech"
CHAT = "/v1/chat/completions"


def chat(client: openai.OpenAI) -> Any:
    return client.chat.completions.create(
        model="gpt-6-luna", messages=[{"role": "user", "content": "Hello."}]
    )


def speak(client: openai.OpenAI) -> bytes:
    return client.audio.speech.create(model="tts-1", voice="alloy", input="Hello.").content


def test_order_with_times_fails_that_many_calls(vendor: OpenAIServer, client: openai.OpenAI) -> None:
    vendor.order(
        {
            "path": SPEECH,
            "times": 2,
            "status": 429,
            "headers": {"Retry-After": "3"},
            "code": "rate_limit_exceeded",
        }
    )
    for _ in range(2):
        with pytest.raises(openai.RateLimitError) as refused:
            speak(client)
        assert refused.value.code == "rate_limit_exceeded"
        assert refused.value.response.headers["retry-after"] == "3"
    assert speak(client)


def test_orders_apply_in_order_to_their_path(vendor: OpenAIServer, client: openai.OpenAI) -> None:
    vendor.order({"path": SPEECH, "status": 500}, {"path": CHAT, "status": 503}, {"status": 400})
    with pytest.raises(openai.InternalServerError) as refused:
        chat(client)
    assert refused.value.status_code == 503
    with pytest.raises(openai.BadRequestError):
        chat(client)
    assert chat(client)
    with pytest.raises(openai.InternalServerError):
        speak(client)


@pytest.mark.parametrize("where", ["before", "middle"])
def test_order_to_cut_closes_the_connection(vendor: OpenAIServer, client: openai.OpenAI, where: str) -> None:
    vendor.order({"cut": where})
    with pytest.raises(openai.APIConnectionError):
        chat(client)
    assert [call["status"] for call in vendor.calls()] == [None if where == "before" else 200]
    assert chat(client)


def test_order_with_latency_delays_the_answer(vendor: OpenAIServer, client: openai.OpenAI) -> None:
    vendor.order({"latency": 0.3})
    with pytest.raises(openai.APITimeoutError):
        chat(client.with_options(timeout=0.1))


def test_order_with_a_body_replaces_the_answer(vendor: OpenAIServer, client: openai.OpenAI) -> None:
    vendor.order({"body": "<html>", "headers": {"Content-Type": "text/html"}}, {"body": "", "status": 502})
    assert chat(client) == "<html>"  # the SDK returns other content types unchanged
    with pytest.raises(openai.InternalServerError):
        chat(client)


def test_order_with_content_replaces_the_message(vendor: OpenAIServer, client: openai.OpenAI) -> None:
    vendor.order(
        {"content": {"correctness": 11}},
        {"content": "no JSON", "finish_reason": "length"},
        {"refusal": "I will not."},
    )
    assert json.loads(chat(client).choices[0].message.content) == {"correctness": 11}
    cut_off = chat(client).choices[0]
    assert (cut_off.message.content, cut_off.finish_reason) == ("no JSON", "length")
    refused = chat(client).choices[0].message
    assert (refused.content, refused.refusal) == (None, "I will not.")


@pytest.mark.parametrize("order", [{"statuss": 500}, "late"])
def test_order_that_is_invalid_is_refused(vendor: OpenAIServer, order: Any) -> None:
    with pytest.raises(requests.HTTPError):
        vendor.order(order)


def test_calls_list_requests_without_keys(vendor: OpenAIServer, client: openai.OpenAI) -> None:
    before = time.time()
    speak(client)
    chat(client.with_options(organization="org-1"))
    first, second = vendor.calls()
    assert vendor.calls(CHAT) == [second]
    assert (first["method"], first["path"], first["model"], first["status"]) == ("POST", SPEECH, "tts-1", 200)
    assert first["body"]["input"] == "Hello."
    assert before <= first["startedAt"] <= second["startedAt"] <= time.time()
    assert second["headers"]["openai-organization"] == "org-1"
    assert "sk-test" not in json.dumps([first, second])


def test_calls_list_an_uploaded_file_by_its_digest(vendor: OpenAIServer, client: openai.OpenAI) -> None:
    file = synthesize("Hello.").wav_bytes("Hello.")
    client.audio.transcriptions.create(model="gpt-transcribe", file=("a.wav", file))
    (call,) = vendor.calls()
    digest = hashlib.sha256(file).hexdigest()
    assert call["body"]["file"] == {"filename": "a.wav", "bytes": len(file), "sha256": digest}
    assert call["body"]["model"] == call["model"] == "gpt-transcribe"


def test_reset_removes_calls_and_orders(vendor: OpenAIServer, client: openai.OpenAI) -> None:
    chat(client)
    vendor.order({"status": 500})
    vendor.reset()
    assert vendor.calls() == []
    assert chat(client)


def test_server_with_latency_prints_its_url_and_answers_late() -> None:
    command = [sys.executable, "-m", "tests.fake_openai", "--port", "0", "--latency", "0.3"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            started = time.monotonic()
            chat(openai.OpenAI(api_key="sk-test", base_url=url, max_retries=0))
            assert time.monotonic() - started >= 0.3
        finally:
            process.terminate()


def test_order_with_body_error_puts_it_into_a_success(vendor: OpenAIServer, client: openai.OpenAI) -> None:
    error = {"code": 429, "message": "Provider returned error"}
    vendor.order({"path": CHAT, "body_error": error}, {"path": CHAT, "choice_error": error})

    completion = chat(client)
    assert (completion.choices, completion.error) == (None, error)
    [choice] = chat(client).choices
    assert choice.error == error


def test_order_with_param_names_it_in_the_error(vendor: OpenAIServer, client: openai.OpenAI) -> None:
    vendor.order({"status": 400, "code": "unsupported_value", "param": "temperature"})

    with pytest.raises(openai.BadRequestError) as refused:
        chat(client)
    assert refused.value.param == "temperature"
