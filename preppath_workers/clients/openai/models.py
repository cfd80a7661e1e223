"""Limits and options of OpenAI's models that the API does not report."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

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

#: The last days of models, the same page. `preppath-workers check` asks the vendor, who may know later ones.
_ENDS: Mapping[date, tuple[str, ...]] = {
    date(2026, 12, 11): ("gpt-5", "gpt-5-mini", "gpt-5-nano", "o3"),
    date(2027, 1, 6): ("tts-1", "tts-1-hd", "gpt-4o-mini-tts"),
    date(2027, 1, 20): ("gpt-realtime", "gpt-realtime-mini", "gpt-audio-mini"),
    date(2027, 2, 26): (
        "whisper-1",
        "gpt-4o-transcribe",
        "gpt-4o-mini-transcribe",
        "gpt-4o-transcribe-diarize",
    ),
    date(2027, 4, 1): ("gpt-5.1", "gpt-5.4-nano"),
}
#: That of all other models whose names begin so.
_FAMILY_END, _FAMILIES = date(2027, 1, 14), ("gpt-4o", "gpt-4.1")
#: The date that ends the name of a snapshot, which goes with its model.
_SNAPSHOT = re.compile(r"-\d{4}-\d{2}-\d{2}$")


def longest_audio(model: str) -> float | None:
    """Return the longest recording that the model accepts, seconds, or None if only its size is limited."""
    return next((limit for name, limit in _LONGEST_AUDIO.items() if model.startswith(name)), None)


def takes_language(model: str) -> bool:
    """Return whether the model accepts `language`, as other vendors' do; OpenAI's from `gpt-transcribe` on
    accept `languages` (OpenAI's cookbook, "Migrate from Whisper to GPT-Transcribe")."""
    name = model.rpartition("/")[2]
    return not name.startswith("gpt-") or name.startswith("gpt-4o")


def offers_verbose_json(model: str) -> bool:
    """Return whether the model supports `verbose_json` (API reference, "Create transcription")."""
    return model.startswith("whisper")


def successor(model: str) -> str | None:
    """Return the model that OpenAI recommends in place of this one, or None."""
    if model == "gpt-realtime":
        return "gpt-realtime-2.1-mini"
    return next((new for old, new in _SUCCESSORS.items() if model.startswith(old)), None)


def announced_end(model: str) -> date | None:
    """Return the day on which OpenAI shuts the model down, None if none was announced by November 2026."""
    name = _SNAPSHOT.sub("", model)
    found = next((day for day, models in _ENDS.items() if name in models), None)
    return found or (_FAMILY_END if name.startswith(_FAMILIES) else None)
