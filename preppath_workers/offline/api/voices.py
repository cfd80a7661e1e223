"""The voices of each model of OpenAI's speech endpoint."""

from __future__ import annotations

from ...config.openai_speech import SPEECH_VOICES

#: Voices that the models tts-1 and tts-1-hd lack.
_NOT_WITH_TTS_1 = ("ballad", "cedar", "marin", "verse")


def speech_voices(model: str) -> tuple[str, ...]:
    """Return the voices of a model of the speech endpoint."""
    missing = _NOT_WITH_TTS_1 if model.startswith("tts-1") else ()
    return tuple(name for name in SPEECH_VOICES if name not in missing)
