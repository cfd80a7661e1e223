"""`POST /v1/audio/transcriptions`, without speech recognition.

The transcript is the comment that the recording carries, RIFF `LIST INFO ICMT` or ID3 `COMM`
(`tests.support.wav` and `id3` write them), or a sentence about its length if it has none.
"""

from __future__ import annotations

from preppath_workers.offline.api.errors import ApiError
from preppath_workers.offline.api.http import Request, Response
from preppath_workers.offline.api.transcription import (
    Segment,
    check_length,
    transcription_request,
    transcription_response,
)
from tests.support import id3, wav

from .faults import Fault
from .models import MODELS

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
    wanted = transcription_request(request, MODELS)
    text, seconds = _read(wanted.file)
    return transcription_response(wanted, seconds, [Segment(text, 0.0, seconds)], text)


def _read(file: bytes) -> tuple[str, float]:
    try:
        seconds = wav.seconds_of(file)
    except ValueError:
        if not any(file.startswith(magic, at) for at, magic in _SIGNATURES):
            raise ApiError(400, "Invalid file format: not audio.") from None
        # Only a decoder knows their length, and no test depends on it.
        text = id3.comment_of(file)
        return text or f"(a recording of {len(file):,} bytes that carries no transcript)", 1.0
    check_length(seconds)
    text = wav.comment_of(file)
    return text or f"(a recording of {seconds:.1f} seconds that carries no transcript)", seconds
