"""What OpenAI's models and endpoints take: small facts that the API does not tell."""

from __future__ import annotations

from urllib.parse import urlsplit

#: Longest input of the speech endpoint, characters (API reference, "Create speech").
MAX_SPEECH_INPUT = 4_096
#: The range of `speed` (API reference, "Create speech").
SLOWEST, FASTEST = 0.25, 4.0
#: The built-in voices of the speech endpoint (API reference, "Create speech", November 2026).
VOICES = (
    *("alloy", "ash", "ballad", "cedar", "coral", "echo", "fable"),
    *("marin", "nova", "onyx", "sage", "shimmer", "verse"),
)
#: The largest file that can be transcribed, bytes (OpenAI's guide "Speech to text").
MAX_AUDIO_BYTES = 25 * 1024 * 1024
#: The longest recording that models take at once, seconds, by the beginning of their names. It is known from
#: what the API answers to longer ones; for `gpt-transcribe` and `whisper-1` the file's size is the only limit
#: that OpenAI tells.
_LONGEST_AUDIO = {"gpt-4o": 1_500.0}


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


def is_openai(base_url: str | None) -> bool:
    """Whether this is OpenAI's own API: other vendors have other voices."""
    return base_url is None or (urlsplit(base_url).hostname or "").endswith("openai.com")
