"""Speech to text, text to speech and evaluation, with OpenAI or a server that speaks its API."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import IO, Any

import openai
from openai import omit
from openai.types.chat import ChatCompletion, ChatCompletionMessageParam

from ..config import OpenAIConfig
from ..errors import PermanentError, TransientError
from .openai_errors import openai_errors
from .passages import passages

#: A message of a chat: `{"role", "content"}`.
Message = ChatCompletionMessageParam

#: Seconds to connect.
CONNECT_TIMEOUT = 5.0
#: Seconds of silence on a connection after which a request counts as failed.
READ_TIMEOUT = 60.0
#: The same for a transcription: nothing comes back before the whole recording is heard, and giving up early
#: means to pay for it twice.
TRANSCRIPTION_READ_TIMEOUT = 300.0
#: Longest input of the speech endpoint, characters (API reference, "Create speech").
MAX_SPEECH_INPUT = 4_096
#: The largest file that can be transcribed, bytes (OpenAI's guide "Speech to text").
MAX_AUDIO_BYTES = 25 * 1024 * 1024


@dataclass(frozen=True)
class Transcript:
    """What was said; the duration in seconds and the language where the model tells them."""

    text: str
    duration: float | None = None
    language: str | None = None


class OpenAI:
    """The vendor's account. Every method is one request (`speak`: one for each passage), never repeated
    here: retries are the queue's, which counts them and survives a restart.

    Methods raise RateLimited, TransientError and PermanentError.
    """

    def __init__(
        self,
        config: OpenAIConfig,
        read_timeout: float = READ_TIMEOUT,
        transcription_read_timeout: float = TRANSCRIPTION_READ_TIMEOUT,
    ) -> None:
        self._config = config
        self._transcription_timeout = openai.Timeout(transcription_read_timeout, connect=CONNECT_TIMEOUT)
        self._client = openai.OpenAI(
            api_key=config.api_key,
            organization=config.organization,
            base_url=config.base_url,
            max_retries=0,
            timeout=openai.Timeout(read_timeout, connect=CONNECT_TIMEOUT),
        )

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def transcribe(
        self, file: IO[bytes], filename: str, mime_type: str, language: str | None = None
    ) -> Transcript:
        """The text of a recording of at most `MAX_AUDIO_BYTES`.

        OpenAI tells the format by the file name's ending (webm, mp3, wav, …). `language` is a hint, as ISO
        639-1 spells it.
        """
        model = self._config.transcription_model
        hint = {"language": language or omit} if _is_legacy(model) else {"languages": language and [language]}
        with openai_errors(self._config.api_key):
            answer = self._client.audio.transcriptions.create(
                model=model,
                file=(filename, file, mime_type),
                response_format="verbose_json" if _offers_verbose_json(model) else "json",
                timeout=self._transcription_timeout,
                **hint,
            )
        return _transcript(answer)

    def speak(self, text: str, voice: str | None = None) -> bytes:
        """The text, spoken: an MP3. `voice` is one of the vendor's, the configured one when not given.

        A text longer than the endpoint takes is spoken in passages. Their MP3s are put end to end, which
        players take for one: an MP3 is a row of frames that stand alone.
        """
        return b"".join(
            self._speak(passage, voice or self._config.speech_voice)
            for passage in passages(text, MAX_SPEECH_INPUT)
        )

    def evaluate(self, messages: Iterable[Message], schema: Mapping[str, Any]) -> dict[str, Any]:
        """The model's answer to a chat: a JSON object that follows the JSON schema.

        The schema must be one that "strict" structured outputs take: every property required, and
        `additionalProperties` false. No temperature is sent; models that reason refuse one.
        """
        with openai_errors(self._config.api_key):
            completion = self._client.chat.completions.create(
                model=self._config.evaluation_model,
                messages=messages,
                response_format={
                    "type": "json_schema",
                    "json_schema": {"name": "evaluation", "strict": True, "schema": dict(schema)},
                },
            )
        return _json_object(completion)

    def _speak(self, passage: str, voice: str) -> bytes:
        with openai_errors(self._config.api_key):
            audio = self._client.audio.speech.create(
                model=self._config.speech_model, voice=voice, input=passage, response_format="mp3"
            ).content
        if not audio:
            raise TransientError("OpenAI answered with no speech")
        return audio


def _is_legacy(model: str) -> bool:
    """Whether the model takes `language`; `gpt-transcribe` and its successors take `languages` instead
    (OpenAI's cookbook, "Migrate from Whisper to GPT-Transcribe")."""
    return model.startswith(("whisper", "gpt-4o"))


def _offers_verbose_json(model: str) -> bool:
    return model.startswith("whisper")


def _transcript(answer: Any) -> Transcript:
    # The SDK does not check what it was sent: a gateway's page of HTML arrives here as a str.
    text = getattr(answer, "text", None)
    if not isinstance(text, str):
        raise TransientError("OpenAI answered without a transcript")
    usage = getattr(answer, "usage", None)
    languages = getattr(answer, "languages", None) or ()
    return Transcript(
        text=text,
        duration=getattr(answer, "duration", None) or getattr(usage, "seconds", None),
        language=getattr(answer, "language", None) or next((language.code for language in languages), None),
    )


def _json_object(completion: ChatCompletion) -> dict[str, Any]:
    choices = getattr(completion, "choices", None)
    if not choices:
        raise TransientError("OpenAI answered without a choice")
    message, reason = choices[0].message, choices[0].finish_reason
    if message.refusal or reason == "content_filter":
        raise PermanentError("the model refused to evaluate the answer")
    if reason == "length":
        raise TransientError("the model's answer was cut off at its length limit")
    try:
        value = json.loads(message.content or "")
    except json.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise TransientError("the model's answer is not a JSON object")
    return value
