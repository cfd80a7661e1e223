"""`POST /v1/audio/transcriptions`: the request and the response."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import ApiError
from .http import Request, Response, json_response
from .models import Models

#: Bytes: the real API's limit of 25 MiB.
LARGEST_FILE = 26_214_400

#: Seconds of the shortest recording.
SHORTEST = 0.1

#: Response formats of each model.
FORMATS = {
    "whisper-1": ("json", "text", "verbose_json"),
    "gpt-4o-transcribe": ("json",),
    "gpt-4o-mini-transcribe": ("json",),
    "gpt-transcribe": ("json",),
}

#: Names of languages as `verbose_json` has them; the code stands for others.
_NAMES = {
    "en": "english",
    "de": "german",
    "fr": "french",
    "es": "spanish",
    "it": "italian",
    "pt": "portuguese",
}


@dataclass(frozen=True)
class TranscriptionRequest:
    """A recording to transcribe. `kind`: the response format; `language`: a hint, an ISO 639-1 code."""

    model: str
    kind: str
    file: bytes
    language: str | None = None


@dataclass(frozen=True)
class Segment:
    """A part of a transcript, with Whisper's own figures; `start` and `end` in seconds."""

    text: str
    start: float
    end: float
    avg_logprob: float = -0.2
    compression_ratio: float = 1.0
    no_speech_prob: float = 0.01
    temperature: float = 0.0
    seek: int = 0
    tokens: Sequence[int] = ()


def transcription_request(request: Request, models: Models) -> TranscriptionRequest:
    """Return the request. Raises ApiError for what the real API refuses."""
    form = request.form
    model = models.require(form.fields, "transcription")
    kind = form.fields.get("response_format", "json")
    if kind not in FORMATS[model]:
        message = f"response_format '{kind}' is not compatible with model '{model}'."
        raise ApiError(400, message, "unsupported_value", "response_format")
    if "file" not in form.files:
        raise ApiError(400, "Missing required parameter: 'file'.", "missing_required_parameter", "file")
    file = form.files["file"].stream.read()
    if len(file) > LARGEST_FILE:
        raise ApiError(413, f"Maximum content size limit ({LARGEST_FILE}) exceeded ({len(file)} bytes read)")
    language = form.fields.get("language") or form.fields.get("languages[]")
    return TranscriptionRequest(model, kind, file, language)


def check_length(seconds: float) -> None:
    """Raise ApiError (400) for a recording that is too short."""
    if seconds < SHORTEST:
        raise ApiError(
            400, f"Audio file is too short: {SHORTEST} seconds are the minimum.", "audio_too_short", "file"
        )


def transcription_response(
    wanted: TranscriptionRequest, seconds: float, segments: Sequence[Segment], text: str, language: str = "en"
) -> Response:
    """Return the transcript in the requested format. `language`: the spoken one, an ISO 639-1 code."""
    if wanted.kind == "text":
        return Response(f"{text}\n".encode(), content_type="text/plain; charset=utf-8")
    usage = {"type": "duration", "seconds": round(seconds)}
    if wanted.kind == "verbose_json":
        return json_response(
            {
                "task": "transcribe",
                "language": _NAMES.get(language, language),
                "duration": seconds,
                "text": text,
                "segments": [_described(number, segment) for number, segment in enumerate(segments)],
                "usage": usage,
            }
        )
    answer: dict[str, Any] = {"text": text, "usage": usage}
    if wanted.model == "gpt-transcribe":
        answer["languages"] = [{"code": language}] if text else []
    return json_response(answer)


def _described(number: int, segment: Segment) -> Mapping[str, Any]:
    return {"id": number, **vars(segment), "tokens": [*segment.tokens]}
