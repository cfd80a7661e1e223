from __future__ import annotations

import io
import json
from typing import Any

import pytest

from preppath_workers.clients.openai.client import SpeechOptions
from preppath_workers.clients.openai.responses import Transcript
from preppath_workers.errors import JobError, PermanentError, ServiceError, TransientError
from preppath_workers.testing import FakeContext
from tests.fake_openai.control import OpenAIServer
from tests.support.wav import Wav

from .conftest import Client

SCHEMA = {
    "type": "object",
    "properties": {"score": {"type": "number", "minimum": 0, "maximum": 10}},
    "required": ["score"],
    "additionalProperties": False,
}
TWO_SECONDS = Wav(bytes(2 * 2 * 8_000), 8_000)


@pytest.mark.parametrize(
    ("model", "response_format", "expected"),
    [
        ("whisper-1", "verbose_json", Transcript("Hello there.", 2.0, "english")),
        ("gpt-4o-transcribe", "json", Transcript("Hello there.", 2.0)),
        ("gpt-transcribe", "json", Transcript("Hello there.", 2.0, "en")),
    ],
)
def test_transcript_has_what_the_model_returns(
    client: Client, vendor: OpenAIServer, model: str, response_format: str, expected: Transcript
) -> None:
    audio = io.BytesIO(TWO_SECONDS.wav_bytes("Hello there."))

    assert client(models={"transcription": model}).transcribe(audio, "recording.wav", "audio/wav") == expected

    [call] = vendor.calls("/v1/audio/transcriptions")
    assert call["body"]["response_format"] == response_format
    assert not {"language", "languages", "languages[]"} & call["body"].keys()


@pytest.mark.parametrize(
    ("model", "field"),
    [
        ("whisper-1", "language"),
        ("gpt-4o-transcribe", "language"),
        ("gpt-transcribe", "languages[]"),
        ("openai/gpt-transcribe", "languages[]"),
        ("Systran/faster-whisper-small", "language"),
        ("nova-3", "language"),
    ],
)
def test_transcription_language_is_sent_as_the_model_expects(
    client: Client, vendor: OpenAIServer, model: str, field: str
) -> None:
    audio = io.BytesIO(TWO_SECONDS.wav_bytes("Guten Tag."))
    vendor.order({"body": '{"text": "Guten Tag."}'})

    client(models={"transcription": model}).transcribe(audio, "recording.wav", "audio/wav", language="de")

    [call] = vendor.calls("/v1/audio/transcriptions")
    assert call["body"][field] == "de"


@pytest.mark.parametrize("body", ["<html>a gateway's page</html>", "{}", '{"text": nul'])
def test_transcription_response_that_is_malformed_is_a_service_error(
    client: Client, vendor: OpenAIServer, body: str
) -> None:
    vendor.order({"body": body})

    with pytest.raises(ServiceError):
        client().transcribe(io.BytesIO(TWO_SECONDS.wav_bytes()), "recording.wav", "audio/wav")


def test_speech_with_options_is_an_mp3_of_them(client: Client, vendor: OpenAIServer) -> None:
    audio = client().synthesize("Hello.", SpeechOptions("nova", speed=1.5, instructions="Smile."))
    client().synthesize("Hello.", SpeechOptions("sage"))

    assert audio.startswith((b"ID3", b"\xff\xfb", b"\xff\xf3"))
    [full, plain] = [call["body"] for call in vendor.calls("/v1/audio/speech")]
    assert full == {
        "model": "gpt-4o-mini-tts", "input": "Hello.", "voice": "nova", "speed": 1.5,
        "instructions": "Smile.", "response_format": "mp3",
    }  # fmt: skip
    assert full.keys() - plain.keys() == {"speed", "instructions"}


@pytest.mark.parametrize("kind", ["application/json", "text/html; charset=utf-8"])
def test_speech_response_that_is_not_audio_is_a_service_error(
    client: Client, vendor: OpenAIServer, kind: str
) -> None:
    vendor.order({"body": "a gateway's page", "headers": {"Content-Type": kind}})

    with pytest.raises(ServiceError, match=r"^OpenAI answered without speech$"):
        client().synthesize("Hello.", SpeechOptions("alloy"))


def test_evaluation_reply_follows_the_schema(client: Client, vendor: OpenAIServer) -> None:
    reply = client().evaluate([{"role": "user", "content": "Judge this."}], SCHEMA)

    assert 0 <= reply["score"] <= 10
    [call] = vendor.calls("/v1/chat/completions")
    assert call["body"]["response_format"]["json_schema"]["strict"] is True
    assert "temperature" not in call["body"], "reasoning models refuse it"
    assert call["body"]["max_completion_tokens"] == 16_000, "room for reasoning"


def test_evaluation_without_schema_support_describes_it_in_the_prompt(
    client: Client, vendor: OpenAIServer
) -> None:
    question = {"role": "user", "content": "Judge this."}
    reply = client(evaluation_format="json_object").evaluate([question], SCHEMA)

    assert 0 <= reply["correctness"] <= 10
    [call] = vendor.calls("/v1/chat/completions")
    assert call["body"]["response_format"] == {"type": "json_object"}
    [system, user] = call["body"]["messages"]
    assert json.dumps(SCHEMA) in system["content"]
    assert user == question


@pytest.mark.parametrize("wrapped", ["```json\n{}\n```", "Here it is: {} I hope this helps."])
def test_evaluation_reply_wrapped_in_text_is_read(client: Client, vendor: OpenAIServer, wrapped: str) -> None:
    vendor.order({"content": wrapped.replace("{}", '{"correctness": 7}')})

    reply = client(evaluation_format="json_object").evaluate(
        [{"role": "user", "content": "Judge this."}], SCHEMA
    )

    assert reply == {"correctness": 7}


def test_evaluation_with_temperature_and_limit_sends_them(client: Client, vendor: OpenAIServer) -> None:
    with pytest.raises(ServiceError, match="unsupported_parameter"):  # this model reasons
        client(evaluation_temperature=0.2, evaluation_max_tokens=500).evaluate(
            [{"role": "user", "content": "Judge this."}], SCHEMA
        )

    [call] = vendor.calls("/v1/chat/completions")
    assert (call["body"]["temperature"], call["body"]["max_completion_tokens"]) == (0.2, 500)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"refusal": "I would rather not."}, PermanentError),
        ({"finish_reason": "content_filter"}, PermanentError),
        ({"finish_reason": "length"}, TransientError),
        ({"content": ""}, TransientError),
        ({"content": "Seven out of ten."}, TransientError),
        ({"content": "[7]"}, TransientError),
        ({"body": "<html>a gateway's page</html>"}, ServiceError),
        ({"body": "{}"}, ServiceError),
        ({"body": '{"choices": []}'}, ServiceError),
        ({"body": '{"choices": [{'}, ServiceError),
    ],
    ids=str,
)
def test_evaluation_reply_that_is_unusable_is_classified(
    client: Client, vendor: OpenAIServer, fault: dict[str, Any], expected: type[JobError]
) -> None:
    vendor.order(fault)

    with pytest.raises(expected):
        client().evaluate([{"role": "user", "content": "Judge this."}], SCHEMA)


def test_organization_that_is_configured_is_sent(client: Client, vendor: OpenAIServer) -> None:
    client(organization="org-preppath").synthesize("Hello.", SpeechOptions("alloy"))

    [call] = vendor.calls("/v1/audio/speech")
    assert call["headers"]["openai-organization"] == "org-preppath"


def test_requests_carry_the_id_that_the_ledger_has(client: Client, vendor: OpenAIServer) -> None:
    meter = FakeContext()
    openai, audio = client(), io.BytesIO(TWO_SECONDS.wav_bytes("Hello."))
    vendor.order({"content": {"score": 7}})
    openai.evaluate([{"role": "user", "content": "Judge this."}], SCHEMA, meter)
    openai.synthesize("Hello.", SpeechOptions("alloy"), meter)
    openai.transcribe(audio, "a.wav", "audio/wav", meter=meter)
    openai.synthesize("Hello.", SpeechOptions("alloy"))  # without a ledger
    ids = [call["headers"].get("x-client-request-id") for call in vendor.calls()]
    assert ids == ["call-1", "call-2", "call-3", None]


def test_shutdown_date_of_a_model_is_returned(client: Client) -> None:
    openai = client(models={"evaluation": "gpt-9"})

    assert openai.shutdown_date(openai.config.transcription) is None
    assert openai.shutdown_date(openai.config.speech) == "2027-01-06"
    with pytest.raises(ServiceError, match="gpt-9"):
        openai.shutdown_date(openai.config.evaluation)
