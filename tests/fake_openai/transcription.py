"""`POST /v1/audio/transcriptions`, without ears.

This server can not listen. It answers with the transcript that the recording itself carries in its RIFF
`LIST INFO ICMT` comment (`dev.speech` and `dev.wav` make such recordings), and, for a recording without one,
with a sentence that says how much sound it got.
"""

from __future__ import annotations

from typing import Any

from tests.support import wav

from . import models
from .errors import ApiError
from .faults import Fault
from .http import Request, Response, json_response

#: Bytes: the real API's limit of 25 MiB.
LARGEST_FILE = 26_214_400

#: Seconds: less is refused.
SHORTEST = 0.1

#: What each model can answer.
FORMATS = {
    "whisper-1": ("json", "text", "verbose_json"),
    "gpt-4o-transcribe": ("json",),
    "gpt-4o-mini-transcribe": ("json",),
    "gpt-transcribe": ("json",),
}

#: How the files of other formats begin (offset, bytes): FLAC, Ogg, MP3 with and without ID3, MP4, WebM.
_SIGNATURES = (
    (0, b"fLaC"),
    (0, b"OggS"),
    (0, b"ID3"),
    (0, b"\xff\xfb"),
    (0, b"\xff\xf3"),
    (0, b"\xff\xf2"),
    (4, b"ftyp"),
    (0, b"\x1a\x45\xdf\xa3"),
)


def create_transcription(request: Request, fault: Fault) -> Response:
    """Raises ApiError for what the real API refuses."""
    form = request.form
    model = models.require(form.fields, "transcription")
    kind = form.fields.get("response_format", "json")
    if kind not in FORMATS[model]:
        message = f"response_format '{kind}' is not compatible with model '{model}'."
        raise ApiError(400, message, "unsupported_value", "response_format")
    if "file" not in form.files:
        raise ApiError(400, "Missing required parameter: 'file'.", "missing_required_parameter", "file")
    text, seconds = _listen(form.files["file"].stream.read())
    if kind == "text":
        return Response(f"{text}\n".encode(), content_type="text/plain; charset=utf-8")
    return json_response(_transcription(text, seconds, model, verbose=kind == "verbose_json"))


def _listen(file: bytes) -> tuple[str, float]:
    if len(file) > LARGEST_FILE:
        raise ApiError(413, f"Maximum content size limit ({LARGEST_FILE}) exceeded ({len(file)} bytes read)")
    try:
        seconds = wav.seconds_of(file)
    except ValueError:
        if not any(file.startswith(magic, at) for at, magic in _SIGNATURES):
            raise ApiError(400, "Invalid file format: this is no audio.") from None
        # Their length is known to a decoder only, and nothing here depends on it.
        return f"(a recording of {len(file):,} bytes that carries no transcript)", 1.0
    if seconds < SHORTEST:
        raise ApiError(
            400, f"Audio file is too short: {SHORTEST} seconds are the least.", "audio_too_short", "file"
        )
    text = wav.comment_of(file)
    return text or f"(a recording of {seconds:.1f} seconds that carries no transcript)", seconds


def _transcription(text: str, seconds: float, model: str, verbose: bool) -> dict[str, Any]:
    duration = {"type": "duration", "seconds": round(seconds)}
    if verbose:
        return {
            "task": "transcribe",
            "language": "english",
            "duration": seconds,
            "text": text,
            "segments": [_segment(text, seconds)],
            "usage": duration,
        }
    answer: dict[str, Any] = {"text": text, "usage": duration}
    if model == "gpt-transcribe":
        answer["languages"] = [{"code": "en"}]
    return answer


def _segment(text: str, seconds: float) -> dict[str, Any]:
    return {
        "id": 0,
        "seek": 0,
        "start": 0.0,
        "end": seconds,
        "text": text,
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": -0.2,
        "compression_ratio": 1.0,
        "no_speech_prob": 0.01,
    }
