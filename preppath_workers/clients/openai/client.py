"""Speech to text, text to speech and evaluation, with OpenAI or servers that speak its API."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import IO, TYPE_CHECKING, Any

import openai
from openai import omit
from openai.types.chat import ChatCompletionMessageParam
from openai.types.chat.completion_create_params import ResponseFormat

from ...config.model import ModelConfig, OpenAIConfig
from . import models
from .classification import RequestInfo
from .errors import openai_errors
from .responses import Transcript, json_object, speech, transcript

if TYPE_CHECKING:  # the Realtime API needs packages that a server of /v1/audio/speech does not
    from .realtime import RealtimeReader

#: A message of a chat: `{"role", "content"}`.
Message = ChatCompletionMessageParam

#: Seconds to connect.
CONNECT_TIMEOUT = 5.0


@dataclass(frozen=True)
class SpeechOptions:
    """How a text is spoken: the voice, its speed (1 is normal), and instructions in words."""

    voice: str
    speed: float | None = None
    instructions: str | None = None


class OpenAI:
    """The vendor's account, or accounts. Every method is one request, never repeated here: retries are the
    queue's, which counts them and survives a restart.

    Methods raise RateLimited, ServiceError and PermanentError, and TransientError for an answer that cannot
    be used and has no known cause.
    """

    def __init__(self, config: OpenAIConfig) -> None:
        self.config = config

    def close(self) -> None:
        """Closes the connections."""
        for name in ("_transcription", "_speech", "_evaluation"):
            client = self.__dict__.pop(name, None)
            if client:
                client.close()

    def transcribe(
        self, file: IO[bytes], filename: str, mime_type: str, language: str | None = None
    ) -> Transcript:
        """The text of a recording of at most `MAX_AUDIO_BYTES`.

        OpenAI tells the format by the file name's ending (webm, mp3, wav, …). `language` is a hint, as ISO
        639-1 spells it.
        """
        model = self.config.transcription.model
        chosen = ("language", "languages") if language else ()
        with openai_errors(_request(self.config.transcription, "file", *chosen)):
            answer: Any = self._transcription.audio.transcriptions.create(
                model=model,
                file=(filename, file, mime_type),
                response_format="verbose_json" if models.offers_verbose_json(model) else "json",
                language=language if language and models.takes_language(model) else omit,
                languages=[language] if language and not models.takes_language(model) else omit,
            )
            return transcript(answer)

    def synthesize(self, text: str, options: SpeechOptions) -> bytes:
        """The text of at most `MAX_SPEECH_INPUT` characters, spoken: an MP3."""
        # The configured voice is a setting, also where a job asks for it by name.
        chosen = ("voice",) if options.voice != self.config.speech_voice else ()
        with openai_errors(_request(self.config.speech, "input", "speed", "instructions", *chosen)):
            answer = self._speech.audio.speech.create(
                model=self.config.speech.model,
                voice=options.voice,
                input=text,
                response_format="mp3",
                speed=omit if options.speed is None else options.speed,
                instructions=options.instructions or omit,
            )
            return speech(answer.content, answer.response.headers)

    def reader(self, options: SpeechOptions) -> RealtimeReader:
        """A session of the Realtime API that reads texts aloud, one paid request each. To be closed."""
        from .realtime import RealtimeReader
        from .realtime_frames import SessionOptions

        config = self.config
        # The configured voice is a setting, also if a job asks for it by name.
        chosen = ("voice",) if options.voice != config.speech_voice else ()
        request = RequestInfo(config.speech, frozenset({"input", "text", "speed", "instructions", *chosen}))
        session = SessionOptions(config.speech.model, options.voice, options.speed, options.instructions)
        return RealtimeReader(self._speech, request, session, config.speech.timeout)

    def evaluate(self, messages: Sequence[Message], schema: Mapping[str, Any]) -> dict[str, Any]:
        """The model's answer to a chat: a JSON object that follows the JSON schema, or, where the
        configuration has `json_object`, was asked to.

        The schema must be one that "strict" structured outputs take: every property required, and
        `additionalProperties` false.
        """
        config = self.config
        strict = config.evaluation_format == "json_schema"
        with openai_errors(_request(config.evaluation, "messages")):
            completion = self._evaluation.chat.completions.create(
                model=config.evaluation.model,
                messages=messages if strict else [_asking_for(schema), *messages],
                response_format=_response_format(schema) if strict else {"type": "json_object"},
                max_completion_tokens=config.evaluation_max_tokens,
                temperature=omit if config.evaluation_temperature is None else config.evaluation_temperature,
            )
            return json_object(completion)

    def shutdown_date(self, model_config: ModelConfig) -> str | None:
        """The day on which the vendor shuts the capability's model down, as an ISO date; None when none is
        announced. Raises ServiceError for a model that there is not."""
        client = _connect(model_config, self.config.organization)
        with client, openai_errors(_request(model_config)):
            return client.models.retrieve(model_config.model).shutdown_date

    @cached_property
    def _transcription(self) -> openai.OpenAI:
        return _connect(self.config.transcription, self.config.organization)

    @cached_property
    def _speech(self) -> openai.OpenAI:
        return _connect(self.config.speech, self.config.organization)

    @cached_property
    def _evaluation(self) -> openai.OpenAI:
        return _connect(self.config.evaluation, self.config.organization)


def _request(model_config: ModelConfig, *from_job: str) -> RequestInfo:
    return RequestInfo(model_config, frozenset(from_job))


def _connect(model_config: ModelConfig, organization: str | None) -> openai.OpenAI:
    return openai.OpenAI(
        api_key=model_config.api_key,
        organization=organization,
        base_url=model_config.base_url,
        max_retries=0,
        timeout=openai.Timeout(model_config.timeout, connect=min(CONNECT_TIMEOUT, model_config.timeout)),
        # No cookies: one that isn't ASCII would make every further request of this process fail.
        http_client=openai.DefaultHttpxClient(cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[]))),
    )


def _response_format(schema: Mapping[str, Any]) -> ResponseFormat:
    return {
        "type": "json_schema",
        "json_schema": {"name": "evaluation", "strict": True, "schema": dict(schema)},
    }


def _asking_for(schema: Mapping[str, Any]) -> Message:
    told = json.dumps(schema, ensure_ascii=False)
    return {"role": "system", "content": f"Reply with one JSON object that follows this JSON schema: {told}"}
