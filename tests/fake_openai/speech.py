"""`POST /v1/audio/speech`: the text, spoken by eSpeak NG, as MP3 or WAV."""

from __future__ import annotations

from preppath_workers.offline.api.http import Request, Response
from preppath_workers.offline.api.speech import speech_request
from tests.support import speech

from .faults import Fault
from .models import MODELS


def create_speech(request: Request, fault: Fault) -> Response:
    """Return the speech. Raises ApiError for requests that the real API refuses, and for other formats."""
    wanted = speech_request(request.json, MODELS, ("mp3", "wav"))
    sound = speech.synthesize(wanted.text, wanted.voice, wanted.speed)
    if wanted.kind == "wav":
        return Response(sound.wav_bytes(), content_type="audio/wav")
    return Response(sound.mp3_bytes(), content_type="audio/mpeg")
