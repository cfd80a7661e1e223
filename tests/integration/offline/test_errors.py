"""The offline provider's errors have OpenAI's statuses, types, codes and parameters."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any

import openai
import pytest
import requests

from tests.support.offline import API_KEY, OfflineServer
from tests.support.process import HOST
from tests.support.wav import silence

pytestmark = pytest.mark.offline

USER: Any = [{"role": "user", "content": "Hello."}]
Call = Callable[[openai.OpenAI], object]


def transcribe(file: bytes, **options: Any) -> Call:
    options = {"model": "whisper-1", **options}
    return lambda sdk: sdk.audio.transcriptions.create(file=("a.wav", file), **options)


def speak(**options: Any) -> Call:
    options = {"model": "tts-1", "voice": "alloy", "input": "Hello.", **options}
    return lambda sdk: sdk.audio.speech.create(**options)


def chat(**options: Any) -> Call:
    options = {"model": "gpt-6-luna", "messages": USER, **options}
    return lambda sdk: sdk.chat.completions.create(**options)


REFUSED: dict[str, tuple[Call, int, str | None, str | None]] = {
    "not audio": (transcribe(b"hello" * 100), 400, "invalid_value", "file"),
    "empty file": (transcribe(b""), 400, "invalid_value", "file"),
    "too short": (transcribe(silence(0.05).wav_bytes()), 400, "audio_too_short", "file"),
    "too large": (transcribe(bytes(26_214_401)), 413, None, None),
    "far too large": (transcribe(bytes(60_000_000)), 413, None, None),
    "unknown model": (transcribe(silence(1).wav_bytes(), model="whisper-9"), 404, "model_not_found", None),
    "model of another use": (transcribe(silence(1).wav_bytes(), model="tts-1"), 404, None, "model"),
    "format": (
        transcribe(silence(1).wav_bytes(), model="gpt-transcribe", response_format="verbose_json"),
        *(400, "unsupported_value", "response_format"),
    ),
    "language": (transcribe(silence(1).wav_bytes(), language="de"), 400, "unsupported_language", "language"),
    "voice": (speak(voice="nobody"), 400, "invalid_value", "voice"),
    "text too long": (speak(input="a " * 3_000), 400, "string_above_max_length", "input"),
    "speed": (speak(speed=9), 400, "invalid_value", "speed"),
    "no messages": (chat(messages=[]), 400, None, "messages"),
    "streaming": (chat(stream=True), 400, "unsupported_value", "stream"),
    "schema without end": (
        chat(
            response_format={
                "type": "json_schema",
                "json_schema": {"name": "x", "schema": {"properties": {"a": {"$ref": "#"}}}},
            }
        ),
        *(400, None, "response_format"),
    ),
    "unknown path": (lambda sdk: sdk.post("/nowhere", cast_to=object), 404, "unknown_url", None),
    "wrong method": (
        lambda sdk: sdk.get("/chat/completions", cast_to=object),
        *(405, "method_not_supported", None),
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_request_is_refused_as_openai_refuses_it(sdk: openai.OpenAI, name: str) -> None:
    call, status, code, param = REFUSED[name]
    with pytest.raises(openai.APIStatusError) as caught:
        call(sdk)
    error = caught.value
    assert (error.status_code, error.code, error.param) == (status, code, param)
    assert error.type == "invalid_request_error"


def test_request_without_key_is_refused(offline: OfflineServer) -> None:
    answer = requests.get(f"{offline.base_url}/models", timeout=10)
    assert (answer.status_code, answer.json()["error"]["type"]) == (401, "invalid_request_error")


@pytest.mark.parametrize("body", [b"{", b"[1]", b"[" * 100_000, b"\xff"])
def test_body_that_is_no_json_object_is_refused(offline: OfflineServer, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {API_KEY}"}
    answer = requests.post(f"{offline.base_url}/chat/completions", body, headers=headers, timeout=10)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, None)


def test_realtime_event_that_cannot_be_read_is_answered_and_the_session_goes_on(sdk: openai.OpenAI) -> None:
    with sdk.realtime.connect(model="gpt-realtime-2.1-mini") as connection:
        assert connection.recv().type == "session.created"
        for frame in ("{", "[]", json.dumps({"type": "input_audio_buffer.append"})):
            connection.send_raw(frame)
            event: Any = connection.recv()
            assert (event.type, event.error.type) == ("error", "invalid_request_error")
        request: Any = {"input": [{"content": [{"type": "input_text", "text": "Still here."}]}]}
        connection.response.create(response=request)
        assert connection.recv().type == "response.created"


def test_client_that_hangs_up_does_not_disturb_others(sdk: openai.OpenAI, offline: OfflineServer) -> None:
    for sent in (b"", b"nonsense\r\n\r\n", b"POST /v1/audio/speech HTTP/1.1\r\nContent-Length: 9\r\n\r\n{"):
        with socket.create_connection((HOST, offline.port)) as connection:
            connection.sendall(sent)
    assert sdk.models.list().data[0].id == "gpt-transcribe"
