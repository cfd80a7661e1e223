"""`POST /v1/audio/speech`: the request."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ...config.openai_speech import SPEEDS
from .errors import ApiError
from .models import Models
from .voices import speech_voices

#: Characters.
LONGEST_INPUT = 4_096

SLOWEST, FASTEST = SPEEDS["speech"]


@dataclass(frozen=True)
class SpeechRequest:
    """A text to speak. `kind`: the response format, such as `mp3`."""

    text: str
    voice: str
    speed: float
    kind: str


def speech_request(body: Mapping[str, Any], models: Models, kinds: Collection[str]) -> SpeechRequest:
    """Return the request. Raises ApiError for what the real API refuses, and for response formats that are
    not among `kinds`."""
    model = models.require(body, "speech")
    text, voice = body.get("input"), body.get("voice")
    speed, kind = body.get("speed"), body.get("response_format")
    speed = 1.0 if speed is None else speed
    kind = "mp3" if kind is None else kind
    if not isinstance(text, str) or not text.strip():
        raise ApiError(400, "Invalid 'input': expected a non-empty text.", param="input")
    if len(text) > LONGEST_INPUT:
        message = f"Invalid 'input': {len(text)} characters, at most {LONGEST_INPUT} are allowed."
        raise ApiError(400, message, "string_above_max_length", "input")
    if voice not in (voices := speech_voices(model)):
        message = f"Invalid 'voice': expected one of {', '.join(voices)}."
        raise ApiError(400, message, "invalid_value", "voice")
    if isinstance(speed, bool) or not isinstance(speed, int | float) or not SLOWEST <= speed <= FASTEST:
        message = f"Invalid 'speed': expected a number from {SLOWEST} to {FASTEST}."
        raise ApiError(400, message, "invalid_value", "speed")
    if not isinstance(kind, str) or kind not in kinds:
        message = f"Invalid 'response_format': this server has {', '.join(kinds)}."
        raise ApiError(400, message, "invalid_value", "response_format")
    return SpeechRequest(text, voice, float(speed), kind)
