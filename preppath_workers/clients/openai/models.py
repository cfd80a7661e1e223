"""Limits and options of OpenAI's models that the API does not report."""

from __future__ import annotations

#: Longest input of the speech endpoint, characters (API reference, "Create speech").
MAX_SPEECH_INPUT = 4_096
#: Largest file for transcription, bytes (OpenAI's guide "Speech to text").
MAX_AUDIO_BYTES = 25 * 1024 * 1024
#: Longest recording by prefix of the model's name, seconds, from the API's error messages. For
#: `gpt-transcribe` and `whisper-1` the file's size is the only documented limit.
_LONGEST_AUDIO = {"gpt-4o": 1_500.0}
#: Successors of models that are shut down, by prefix of their names, longest first (OpenAI's page
#: "Deprecations", November 2026).
_SUCCESSORS = {
    "gpt-4o-mini-tts": "gpt-realtime-2.1-mini",
    "gpt-4o-mini-transcribe": "gpt-transcribe",
    "gpt-4o-transcribe": "gpt-transcribe",
    "gpt-realtime-mini": "gpt-realtime-2.1-mini",
    "gpt-realtime-2025": "gpt-realtime-2.1-mini",
    "whisper-1": "gpt-transcribe",
    "tts-1": "gpt-realtime-2.1-mini",
}


def longest_audio(model: str) -> float | None:
    """Return the longest recording that the model accepts, seconds, or None if only its size is limited."""
    return next((limit for name, limit in _LONGEST_AUDIO.items() if model.startswith(name)), None)


def takes_language(model: str) -> bool:
    """Return whether the model accepts `language`; `gpt-transcribe` and later models accept `languages`
    (OpenAI's cookbook, "Migrate from Whisper to GPT-Transcribe")."""
    return model.startswith(("whisper", "gpt-4o"))


def offers_verbose_json(model: str) -> bool:
    """Return whether the model supports `verbose_json` (API reference, "Create transcription")."""
    return model.startswith("whisper")


def successor(model: str) -> str | None:
    """Return the model that OpenAI recommends in place of this one, or None."""
    if model == "gpt-realtime":
        return "gpt-realtime-2.1-mini"
    return next((new for old, new in _SUCCESSORS.items() if model.startswith(old)), None)
