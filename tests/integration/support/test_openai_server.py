"""The OpenAI-compatible server, used through OpenAI's own SDK."""

from __future__ import annotations

import io
from typing import Any

import openai
import pytest
import requests
from openai.types.chat import ChatCompletionMessageParam

from tests.fake_openai.control import OpenAIServer
from tests.support.speech import synthesize
from tests.support.wav import seconds_of

pytestmark = pytest.mark.trial

SAID = "An index is a sorted tree. It makes reads fast and writes slow."

MESSAGES: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hello."}]


class TestSpeech:
    def test_speech_without_a_format_is_mp3(self, client: openai.OpenAI) -> None:
        audio = client.audio.speech.create(model="gpt-4o-mini-tts", voice="nova", input=SAID)
        assert audio.response.headers["content-type"] == "audio/mpeg"
        assert audio.content.startswith(b"\xff\xf3")

    def test_speech_with_double_speed_is_shorter(self, client: openai.OpenAI) -> None:
        def seconds(speed: float) -> float:
            audio = client.audio.speech.create(
                model="tts-1", voice="onyx", input=SAID, response_format="wav", speed=speed
            )
            return seconds_of(audio.content)

        assert seconds(2) < 0.6 * seconds(1)

    @pytest.mark.parametrize(
        ("changed", "param"),
        [
            ({"input": "a" * 4_097}, "input"),
            ({"input": ""}, "input"),
            ({"voice": "unknown"}, "voice"),
            ({"speed": 5.0}, "speed"),
            ({"response_format": "opus"}, "response_format"),
        ],
    )
    def test_speech_with_a_wrong_parameter_is_refused(
        self, client: openai.OpenAI, changed: dict[str, Any], param: str
    ) -> None:
        right = {"model": "tts-1", "voice": "alloy", "input": SAID}
        with pytest.raises(openai.BadRequestError) as refused:
            client.audio.speech.create(**{**right, **changed})
        assert refused.value.param == param

    def test_speech_of_the_longest_input_is_returned(self, client: openai.OpenAI) -> None:
        text = "Yes. " * 819 + "."
        assert len(text) == 4_096
        audio = client.audio.speech.create(model="tts-1", voice="alloy", input=text, speed=4)
        assert len(audio.content) > 100_000


class TestTranscription:
    def test_transcription_is_the_text_in_the_recording(self, client: openai.OpenAI) -> None:
        file = ("answer.wav", synthesize("hello").wav_bytes(SAID))
        heard = client.audio.transcriptions.create(model="gpt-transcribe", file=file)
        assert heard.text == SAID
        assert [language.code for language in heard.languages or ()] == ["en"]

    def test_transcription_by_whisper_has_the_duration(self, client: openai.OpenAI) -> None:
        sound = synthesize(SAID)
        heard = client.audio.transcriptions.create(
            model="whisper-1",
            file=("answer.wav", sound.wav_bytes(SAID)),
            response_format="verbose_json",
        )
        assert (heard.text, heard.language) == (SAID, "english")
        assert heard.duration == pytest.approx(sound.seconds)

    def test_transcription_by_whisper_may_be_plain_text(self, client: openai.OpenAI) -> None:
        file = ("answer.wav", synthesize(SAID).wav_bytes(SAID))
        heard: Any = client.audio.transcriptions.create(model="whisper-1", file=file, response_format="text")
        assert heard == f"{SAID}\n"

    def test_transcription_of_a_recording_without_text_names_its_length(self, client: openai.OpenAI) -> None:
        sound = synthesize(SAID)
        heard = client.audio.transcriptions.create(
            model="gpt-transcribe", file=("answer.wav", sound.wav_bytes())
        )
        assert f"{sound.seconds:.1f} seconds" in heard.text

    def test_transcription_of_an_mp3_returns_its_text(self, client: openai.OpenAI) -> None:
        file = ("answer.mp3", io.BytesIO(synthesize(SAID).mp3_bytes()))
        heard = client.audio.transcriptions.create(model="gpt-transcribe", file=file)
        assert "no transcript" in heard.text

    @pytest.mark.parametrize("kind", ["verbose_json", "text"])
    def test_transcription_by_gpt_transcribe_refuses_formats_but_json(
        self, client: openai.OpenAI, kind: Any
    ) -> None:
        file = ("answer.wav", synthesize(SAID).wav_bytes(SAID))
        with pytest.raises(openai.BadRequestError) as refused:
            client.audio.transcriptions.create(model="gpt-transcribe", file=file, response_format=kind)
        assert (refused.value.code, refused.value.param) == ("unsupported_value", "response_format")

    def test_transcription_of_other_files_is_refused(self, client: openai.OpenAI) -> None:
        with pytest.raises(openai.BadRequestError):
            client.audio.transcriptions.create(model="gpt-transcribe", file=("answer.wav", b"no sound"))

    def test_transcription_of_empty_audio_is_refused(self, client: openai.OpenAI) -> None:
        with pytest.raises(openai.BadRequestError) as refused:
            client.audio.transcriptions.create(
                model="gpt-transcribe", file=("answer.wav", synthesize("").wav_bytes())
            )
        assert refused.value.code == "audio_too_short"

    def test_transcription_of_more_than_25_mib_is_refused(self, client: openai.OpenAI) -> None:
        with pytest.raises(openai.APIStatusError) as refused:
            client.audio.transcriptions.create(
                model="gpt-transcribe", file=("answer.wav", bytes(25 * 1024 * 1024 + 1))
            )
        assert refused.value.status_code == 413


class TestModels:
    @pytest.mark.parametrize(
        ("model", "ends"),
        [
            ("gpt-4-1106-preview", "2026-10-23"),
            ("gpt-4o-mini-tts", "2027-01-06"),
            ("whisper-1", "2027-02-26"),
            ("gpt-6-luna", None),
        ],
    )
    def test_model_has_its_shutdown_date(self, client: openai.OpenAI, model: str, ends: str | None) -> None:
        assert client.models.retrieve(model).shutdown_date == ends

    def test_model_that_is_unknown_is_not_found(self, client: openai.OpenAI) -> None:
        with pytest.raises(openai.NotFoundError) as refused:
            client.models.retrieve("gpt-0")
        assert refused.value.code == "model_not_found"

    @pytest.mark.parametrize("model", ["gpt-0", "gpt-4-1106-preview"])
    def test_chat_with_an_unknown_or_retired_model_is_not_found(
        self, client: openai.OpenAI, model: str
    ) -> None:
        with pytest.raises(openai.NotFoundError) as refused:
            client.chat.completions.create(model=model, messages=MESSAGES)
        assert refused.value.code == "model_not_found"

    def test_chat_with_a_speech_model_is_not_found(self, client: openai.OpenAI) -> None:
        with pytest.raises(openai.NotFoundError):
            client.chat.completions.create(model="tts-1", messages=MESSAGES)


@pytest.mark.parametrize("key", ["sk-wrong", "anything"])
def test_request_with_a_wrong_key_is_refused(vendor: OpenAIServer, key: str) -> None:
    client = openai.OpenAI(api_key=key, base_url=vendor.base_url, max_retries=0)
    with pytest.raises(openai.AuthenticationError) as refused:
        client.models.retrieve("gpt-6-luna")
    assert refused.value.code == "invalid_api_key"


def test_request_without_a_key_is_refused_with_the_api_error_format(vendor: OpenAIServer) -> None:
    answer = requests.get(f"{vendor.base_url}/models/gpt-6-luna", timeout=5)
    assert answer.status_code == 401
    assert answer.json()["error"].keys() == {"message", "type", "param", "code"}
