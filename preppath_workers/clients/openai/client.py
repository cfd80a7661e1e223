"""Speech to text, text to speech and evaluation, with OpenAI or servers that speak its API."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from io import SEEK_END
from typing import IO, TYPE_CHECKING, Any, cast

import httpx2
import openai
from openai import omit
from openai.types.chat import ChatCompletionMessageParam
from openai.types.chat.completion_create_params import ResponseFormat

from ...config.model import OPENAI_PARTS, ModelConfig, OpenAIConfig
from ...config.openai_speech import is_openai
from ..audio import mp3
from ..usage import UNMETERED, Meter, Payment, Usage
from ..vendor_limits import VendorLimit, limits_in_headers
from . import models, preloading, worst_case
from .classification import RequestInfo
from .connection import connect
from .errors import openai_errors
from .responses import Transcript, json_object, require_mp3, speech, transcript
from .usage import chat_usage, reports_usage, speech_usage, transcription_usage

if TYPE_CHECKING:  # the Realtime API needs packages that a server of /v1/audio/speech does not
    from .realtime import RealtimeReader

#: A message of a chat: `{"role", "content"}`.
Message = ChatCompletionMessageParam


@dataclass(frozen=True)
class SpeechOptions:
    """How to speak a text: the voice, the speed (1 is normal), and instructions in words."""

    voice: str
    speed: float | None = None
    instructions: str | None = None


class OpenAI:
    """The configured vendors' models. Each method makes one request and never retries: the queue does.

    A `meter` records what a request can cost at most, and what it used.

    Methods raise RateLimited, ServiceError and PermanentError, and TransientError for an unusable answer of
    unknown cause.
    """

    def __init__(self, config: OpenAIConfig) -> None:
        self.config = config
        #: What the request in progress does with the rate limits in its answer's headers.
        self._note_limits: Callable[[Sequence[VendorLimit]], None] | None = None
        #: The models that have answered a request.
        self._successful: set[ModelConfig] = set()

    def preload(self, *parts: str) -> None:
        """Make the SDK's clients and load what their first requests need, without a connection. Workers that
        are forked afterwards share that memory. `parts`: of OPENAI_PARTS, all by default."""
        for part in parts or OPENAI_PARTS:
            client: openai.OpenAI = getattr(self, f"_{part}")
            if part == "evaluation":
                preloading.preload(client, preloading.evaluate)
            elif part == "transcription":
                is_verbose = models.offers_verbose_json(self.config.transcription.model)
                preloading.preload(client, partial(preloading.transcribe, is_verbose))
            else:
                is_realtime = self.config.speech_api == "realtime"
                preloading.preload(client, preloading.connect if is_realtime else preloading.speak)

    def close(self) -> None:
        """Close the connections."""
        for name in ("_transcription", "_speech", "_evaluation"):
            client = self.__dict__.pop(name, None)
            if client:
                client.close()

    def transcribe(
        self,
        file: IO[bytes],
        filename: str,
        mime_type: str,
        language: str | None = None,
        *,
        seconds: float | None = None,
        is_converted: bool = False,
        meter: Meter = UNMETERED,
    ) -> Transcript:
        """Return the transcript of a recording of at most `MAX_AUDIO_BYTES`.

        OpenAI detects the format by the file name's extension. `language` is a hint, an ISO 639-1 code.
        `seconds`: the duration, if it is known. `is_converted`: the format and codec are ours, so a refusal
        without a reason need not be about the recording.
        """
        model = self.config.transcription.model
        chosen = ("language", "languages") if language else ()
        most = worst_case.transcription(model, _size(file), seconds)
        client = self._transcription
        errors = self._errors(self.config.transcription, "file", *chosen, blames_job=not is_converted)
        with self._payment(meter, most) as payment, errors:
            answer: Any = client.audio.transcriptions.create(
                model=model,
                file=(filename, file, mime_type),
                response_format="verbose_json" if models.offers_verbose_json(model) else "json",
                language=language if language and models.takes_language(model) else omit,
                languages=[language] if language and not models.takes_language(model) else omit,
                extra_headers=_named(payment),
            )
            is_text = isinstance(getattr(answer, "text", None), str)
            if is_text or reports_usage(getattr(answer, "usage", None)):
                payment.charge(transcription_usage(answer, most))
            return transcript(answer)

    def synthesize(self, text: str, options: SpeechOptions, meter: Meter = UNMETERED) -> bytes:
        """Return an MP3 of a text of at most `MAX_SPEECH_INPUT` characters."""
        # The configured voice counts as a setting, also if a job asks for it by name.
        chosen = ("voice",) if options.voice != self.config.speech_voice else ()
        errors = self._errors(self.config.speech, "input", "speed", "instructions", *chosen)
        most = worst_case.speech(self.config.speech.model, text, options.speed)
        client = self._speech
        with self._payment(meter, most) as payment, errors:
            answer = client.audio.speech.create(
                model=self.config.speech.model,
                voice=options.voice,
                input=text,
                response_format="mp3",
                speed=omit if options.speed is None else options.speed,
                instructions=options.instructions or omit,
                extra_headers=_named(payment),
            )
            headers = answer.response.headers
            audio = speech(answer.content, headers)
            payment.charge(speech_usage(most, mp3.seconds(audio), headers))
            require_mp3(audio)
            return audio

    def reader(self, options: SpeechOptions) -> RealtimeReader:
        """Return a session of the Realtime API that reads texts aloud, one paid request each. Close it."""
        from .realtime import RealtimeReader
        from .realtime_frames import SessionOptions

        config = self.config
        # The configured voice counts as a setting, as in `synthesize`.
        chosen = ("voice",) if options.voice != config.speech_voice else ()
        request = _request(config.speech, "input", "text", "speed", "instructions", *chosen)
        session = SessionOptions(config.speech.model, options.voice, options.speed, options.instructions)
        return RealtimeReader(self._speech, request, session, config.speech.timeout)

    def evaluate(
        self,
        messages: Sequence[Message],
        schema: Mapping[str, Any],
        meter: Meter = UNMETERED,
        tier: str | None = None,
        cache_key: str | None = None,
    ) -> dict[str, Any]:
        """Return the JSON object that the model answers to a chat.

        `tier`: a service tier to ask for, such as `flex`. Raises TierUnavailable if it has no capacity now.
        `cache_key`: the same for chats that begin alike, of up to 64 characters. Only OpenAI gets it.

        The server enforces the schema, or only asks the model for it if the configuration has `json_object`.
        The schema must suit "strict" structured outputs: every property required, `additionalProperties`
        false.
        """
        config = self.config
        strict = config.evaluation_format == "json_schema"
        texts = [str(message.get("content")) for message in messages]
        most = worst_case.chat(config.evaluation.model, texts, schema, config.evaluation_max_tokens, tier)
        client = self._evaluation
        errors = self._errors(config.evaluation, "messages", tier=tier)
        with self._payment(meter, most) as payment, errors:
            completion = client.chat.completions.create(
                model=config.evaluation.model,
                messages=messages if strict else [_asking_for(schema), *messages],
                response_format=_response_format(schema) if strict else {"type": "json_object"},
                max_completion_tokens=config.evaluation_max_tokens,
                temperature=omit if config.evaluation_temperature is None else config.evaluation_temperature,
                service_tier=cast("Any", tier) if tier else omit,
                prompt_cache_key=cache_key if cache_key and is_openai(config.evaluation.base_url) else omit,
                extra_headers=_named(payment),
            )
            if getattr(completion, "choices", None) or reports_usage(getattr(completion, "usage", None)):
                payment.charge(chat_usage(completion, most))
            return json_object(completion)

    def shutdown_date(self, model_config: ModelConfig) -> str | None:
        """Return the ISO date on which the vendor shuts the model down, or None if none is announced. Raises
        ServiceError if the model does not exist."""
        client = self._connect(model_config)
        with client, openai_errors(_request(model_config)):
            return client.models.retrieve(model_config.model).shutdown_date

    @contextmanager
    def _payment(self, meter: Meter, most: Usage) -> Iterator[Payment]:
        """Yield the payment of one request, which learns the rate limits in its answer's headers too, also if
        the answer is an error."""
        with meter.payment(most) as payment:
            self._note_limits = payment.note_limits
            try:
                yield payment
            finally:
                self._note_limits = None

    @contextmanager
    def _errors(
        self, model: ModelConfig, *from_job: str, tier: str | None = None, blames_job: bool = False
    ) -> Iterator[None]:
        """Classify the errors of one request. `blames_job`: a refusal without a reason is the job's also if
        the model has not answered yet."""
        has_succeeded = blames_job or model in self._successful
        with openai_errors(_request(model, *from_job, tier=tier, has_succeeded=has_succeeded)):
            yield
            self._successful.add(model)

    def _received(self, response: httpx2.Response) -> None:
        if self._note_limits:
            self._note_limits(limits_in_headers(response.headers))

    def _connect(self, model_config: ModelConfig) -> openai.OpenAI:
        return connect(model_config, self.config.organization, self._tls, self._received)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Shared by the clients: reading the system's certificates takes long, and memory."""
        return httpx2.create_ssl_context()

    @cached_property
    def _transcription(self) -> openai.OpenAI:
        return self._connect(self.config.transcription)

    @cached_property
    def _speech(self) -> openai.OpenAI:
        return self._connect(self.config.speech)

    @cached_property
    def _evaluation(self) -> openai.OpenAI:
        return self._connect(self.config.evaluation)


def _size(file: IO[bytes]) -> int:
    """Return the bytes of a file, and go to its beginning."""
    size = file.seek(0, SEEK_END)
    file.seek(0)
    return size


def _named(payment: Payment) -> Mapping[str, str]:
    """Return the header by which OpenAI finds a request whose answer never came."""
    return {"X-Client-Request-Id": payment.id} if payment.id else {}


def _request(
    model_config: ModelConfig, *from_job: str, tier: str | None = None, has_succeeded: bool = True
) -> RequestInfo:
    return RequestInfo(model_config, frozenset(from_job), tier, has_succeeded)


def _response_format(schema: Mapping[str, Any]) -> ResponseFormat:
    return {
        "type": "json_schema",
        "json_schema": {"name": "evaluation", "strict": True, "schema": dict(schema)},
    }


def _asking_for(schema: Mapping[str, Any]) -> Message:
    text = json.dumps(schema, ensure_ascii=False)
    return {"role": "system", "content": f"Reply with one JSON object that follows this JSON schema: {text}"}
