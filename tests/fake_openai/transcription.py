"""`POST /v1/audio/transcriptions`, without speech recognition.

The transcript is the recording's own RIFF `LIST INFO ICMT` comment (`tests.support.wav` writes one), or a
sentence about its length if it has none.
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

#: Seconds of the shortest recording.
SHORTEST = 0.1

#: Response formats of each model.
FORMATS = {
    "whisper-1": ("json", "text", "verbose_json"),
    "gpt-4o-transcribe": ("json",),
    "gpt-4o-mini-transcribe": ("json",),
    "gpt-transcribe": ("json",),
}

#: Signatures of other formats (offset, bytes): FLAC, Ogg, MP3 with and without ID3, MP4, WebM.
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
    """Return the transcript. Raises ApiError for requests that the real API refuses."""
    form = request.form
    model = models.require(form.fields, "transcription")
    kind = form.fields.get("response_format", "json")
    if kind not in FORMATS[model]:
        message = f"response_format '{kind}' is not compatible with model '{model}'."
        raise ApiError(400, message, "unsupported_value", "response_format")
    if "file" not in form.files:
        raise ApiError(400, "Missing required parameter: 'file'.", "missing_required_parameter", "file")
    text, seconds = _read(form.files["file"].stream.read())
    if kind == "text":
        return Response(f"{text}\n".encode(), content_type="text/plain; charset=utf-8")
    return json_response(_transcription(text, seconds, model, verbose=kind == "verbose_json"))


def _read(file: bytes) -> tuple[str, float]:
    if len(file) > LARGEST_FILE:
        raise ApiError(413, f"Maximum content size limit ({LARGEST_FILE}) exceeded ({len(file)} bytes read)")
    try:
        seconds = wav.seconds_of(file)
    except ValueError:
        if not any(file.startswith(magic, at) for at, magic in _SIGNATURES):
            raise ApiError(400, "Invalid file format: not audio.") from None
        # Only a decoder knows their length, and no test depends on it.
        return f"(a recording of {len(file):,} bytes that carries no transcript)", 1.0
    if seconds < SHORTEST:
        raise ApiError(
            400, f"Audio file is too short: {SHORTEST} seconds are the minimum.", "audio_too_short", "file"
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
