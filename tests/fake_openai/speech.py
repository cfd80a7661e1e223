"""`POST /v1/audio/speech`: the text, spoken by eSpeak NG, as MP3 or WAV."""

from __future__ import annotations

from tests.support import speech

from . import models
from .errors import ApiError
from .faults import Fault
from .http import Request, Response

#: Characters.
LONGEST_INPUT = 4_096

SLOWEST, FASTEST = 0.25, 4.0


#: Voices that the models tts-1 and tts-1-hd lack.
_NOT_WITH_TTS_1 = ("ballad", "cedar", "marin", "verse")


def create_speech(request: Request, fault: Fault) -> Response:
    """Return the speech. Raises ApiError for requests that the real API refuses, and for other formats."""
    body = request.json
    model = models.require(body, "speech")
    text, voice = body.get("input"), body.get("voice")
    voices = [name for name in speech.VOICES if not (model.startswith("tts-1") and name in _NOT_WITH_TTS_1)]
    speed, kind = body.get("speed", 1.0), body.get("response_format", "mp3")
    if not isinstance(text, str) or not text:
        raise ApiError(400, "Invalid 'input': expected a non-empty text.", param="input")
    if len(text) > LONGEST_INPUT:
        message = f"Invalid 'input': {len(text)} characters, at most {LONGEST_INPUT} are allowed."
        raise ApiError(400, message, "string_above_max_length", "input")
    if voice not in voices:
        message = f"Invalid 'voice': expected one of {', '.join(voices)}."
        raise ApiError(400, message, "invalid_value", "voice")
    if not isinstance(speed, int | float) or not SLOWEST <= speed <= FASTEST:
        message = f"Invalid 'speed': expected a number from {SLOWEST} to {FASTEST}."
        raise ApiError(400, message, "invalid_value", "speed")
    if kind not in ("mp3", "wav"):
        message = "Invalid 'response_format': this server has mp3 and wav."
        raise ApiError(400, message, "invalid_value", "response_format")
    sound = speech.synthesize(text, voice, speed)
    if kind == "wav":
        return Response(sound.wav_bytes(), content_type="audio/wav")
    return Response(sound.mp3_bytes(), content_type="audio/mpeg")
