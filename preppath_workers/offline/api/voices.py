"""The voices of OpenAI's speech endpoint and of its Realtime API."""

from __future__ import annotations

REALTIME_VOICES = ("alloy", "ash", "ballad", "cedar", "coral", "echo", "marin", "sage", "shimmer", "verse")
SPEECH_VOICES = (*REALTIME_VOICES, "fable", "nova", "onyx")
#: Voices that the models tts-1 and tts-1-hd lack.
_NOT_WITH_TTS_1 = ("ballad", "cedar", "marin", "verse")


def speech_voices(model: str) -> tuple[str, ...]:
    """Return the voices of a model of the speech endpoint."""
    missing = _NOT_WITH_TTS_1 if model.startswith("tts-1") else ()
    return tuple(name for name in sorted(SPEECH_VOICES) if name not in missing)
