"""What OpenAI's models and endpoints take: small facts that the API does not tell."""

from __future__ import annotations

#: Longest input of the speech endpoint, characters (API reference, "Create speech").
MAX_SPEECH_INPUT = 4_096
#: The largest file that can be transcribed, bytes (OpenAI's guide "Speech to text").
MAX_AUDIO_BYTES = 25 * 1024 * 1024
#: The longest recording that models take at once, seconds, by the beginning of their names. It is known from
#: what the API answers to longer ones; for `gpt-transcribe` and `whisper-1` the file's size is the only limit
#: that OpenAI tells.
_LONGEST_AUDIO = {"gpt-4o": 1_500.0}
#: What to configure in place of a model that is shut down, by the beginning of its name, longest first
#: (OpenAI's page "Deprecations", November 2026).
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
    """The longest recording that the model takes at once, seconds; None when only its size is limited."""
    return next((limit for name, limit in _LONGEST_AUDIO.items() if model.startswith(name)), None)


def takes_language(model: str) -> bool:
    """Whether the model takes `language`; `gpt-transcribe` and its successors take `languages` instead
    (OpenAI's cookbook, "Migrate from Whisper to GPT-Transcribe")."""
    return model.startswith(("whisper", "gpt-4o"))


def offers_verbose_json(model: str) -> bool:
    """Whether the model tells more than the text (API reference, "Create transcription")."""
    return model.startswith("whisper")


def successor(model: str) -> str | None:
    """The model that OpenAI names in place of this one; None when it names none."""
    if model == "gpt-realtime":
        return "gpt-realtime-2.1-mini"
    return next((new for old, new in _SUCCESSORS.items() if model.startswith(old)), None)
