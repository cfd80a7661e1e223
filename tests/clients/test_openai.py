from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest

from preppath_workers.clients.openai import MAX_SPEECH_INPUT, OpenAI, Transcript
from preppath_workers.config import OpenAIConfig
from preppath_workers.dev.openai.control import OpenAIServer
from preppath_workers.dev.wav import Wav
from preppath_workers.errors import PermanentError, TransientError

SCHEMA = {
    "type": "object",
    "properties": {"score": {"type": "number", "minimum": 0, "maximum": 10}},
    "required": ["score"],
    "additionalProperties": False,
}
TWO_SECONDS = Wav(bytes(2 * 2 * 8_000), 8_000)

Client = Callable[..., OpenAI]


@pytest.fixture
def client(vendor: OpenAIServer) -> Client:
    def make(**changes: Any) -> OpenAI:
        settings = {
            "api_key": "sk-test",
            "organization": None,
            "base_url": vendor.base_url,
            "evaluation_model": "gpt-6-luna",
            "transcription_model": "gpt-transcribe",
            "speech_model": "gpt-4o-mini-tts",
            "speech_voice": "alloy",
        }
        return OpenAI(OpenAIConfig(**{**settings, **changes}))

    return make


@pytest.mark.parametrize(
    ("model", "response_format", "expected"),
    [
        ("whisper-1", "verbose_json", Transcript("Hello there.", 2.0, "english")),
        ("gpt-4o-transcribe", "json", Transcript("Hello there.", 2.0)),
        ("gpt-transcribe", "json", Transcript("Hello there.", 2.0, "en")),
    ],
)
def test_a_transcript_tells_what_the_model_knows(
    client: Client, vendor: OpenAIServer, model: str, response_format: str, expected: Transcript
) -> None:
    audio = io.BytesIO(TWO_SECONDS.wav_bytes("Hello there."))

    assert client(transcription_model=model).transcribe(audio, "recording.wav", "audio/wav") == expected

    [call] = vendor.calls("/v1/audio/transcriptions")
    assert call["body"]["response_format"] == response_format
    assert not {"language", "languages", "languages[]"} & call["body"].keys()


@pytest.mark.parametrize(("model", "field"), [("whisper-1", "language"), ("gpt-transcribe", "languages[]")])
def test_the_language_goes_by_the_name_that_the_model_knows(
    client: Client, vendor: OpenAIServer, model: str, field: str
) -> None:
    audio = io.BytesIO(TWO_SECONDS.wav_bytes("Guten Tag."))

    client(transcription_model=model).transcribe(audio, "recording.wav", "audio/wav", language="de")

    [call] = vendor.calls("/v1/audio/transcriptions")
    assert call["body"][field] == "de"


@pytest.mark.parametrize("body", ["<html>a gateway's page</html>", "{}", '{"text": nul'])
def test_an_answer_that_is_no_transcript_is_transient(
    client: Client, vendor: OpenAIServer, body: str
) -> None:
    vendor.order({"body": body})

    with pytest.raises(TransientError):
        client().transcribe(io.BytesIO(TWO_SECONDS.wav_bytes()), "recording.wav", "audio/wav")


def test_speech_is_an_mp3_in_the_configured_voice(client: Client, vendor: OpenAIServer) -> None:
    audio = client(speech_voice="nova").speak("Hello.")

    assert audio.startswith((b"ID3", b"\xff\xfb", b"\xff\xf3"))
    [call] = vendor.calls("/v1/audio/speech")
    assert (call["body"]["voice"], call["body"]["response_format"]) == ("nova", "mp3")


def test_a_text_longer_than_the_endpoint_takes_is_spoken_in_passages(
    client: Client, vendor: OpenAIServer
) -> None:
    sentence = "Why? "
    vendor.order({"body": "one,", "times": 1}, {"body": "two", "times": 1})

    audio = client().speak(sentence * (MAX_SPEECH_INPUT // len(sentence) + 1), voice="sage")

    calls = vendor.calls("/v1/audio/speech")
    assert audio == b"one,two"
    assert [call["body"]["voice"] for call in calls] == ["sage", "sage"]
    assert max(len(call["body"]["input"]) for call in calls) <= MAX_SPEECH_INPUT


def test_an_evaluation_follows_the_schema(client: Client, vendor: OpenAIServer) -> None:
    reply = client().evaluate([{"role": "user", "content": "Judge this."}], SCHEMA)

    assert 0 <= reply["score"] <= 10
    [call] = vendor.calls("/v1/chat/completions")
    assert call["body"]["response_format"]["json_schema"]["strict"] is True
    assert "temperature" not in call["body"], "models that reason refuse it"


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"refusal": "I would rather not."}, PermanentError),
        ({"finish_reason": "content_filter"}, PermanentError),
        ({"finish_reason": "length"}, TransientError),
        ({"content": ""}, TransientError),
        ({"content": "Seven out of ten."}, TransientError),
        ({"content": "[7]"}, TransientError),
        ({"body": "<html>a gateway's page</html>"}, TransientError),
        ({"body": "{}"}, TransientError),
        ({"body": '{"choices": []}'}, TransientError),
        ({"body": '{"choices": [{'}, TransientError),
    ],
    ids=str,
)
def test_an_answer_that_is_no_evaluation(
    client: Client, vendor: OpenAIServer, fault: dict[str, Any], expected: type
) -> None:
    vendor.order(fault)

    with pytest.raises(expected):
        client().evaluate([{"role": "user", "content": "Judge this."}], SCHEMA)


def test_the_organization_is_told(client: Client, vendor: OpenAIServer) -> None:
    client(organization="org-preppath").speak("Hello.")

    [call] = vendor.calls("/v1/audio/speech")
    assert call["headers"]["openai-organization"] == "org-preppath"
