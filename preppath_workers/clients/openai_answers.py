"""Reads OpenAI's answers. The SDK does not check what it was sent: a gateway's page of HTML, or the answer of
a server that speaks the API in its own way, arrives here as whatever it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import PermanentError, TransientError

#: Seconds of the longest recording that a duration is believed of: a week.
_LONGEST = 604_800.0


@dataclass(frozen=True)
class Transcript:
    """What was said; the duration in seconds and the language where the model tells them."""

    text: str
    duration: float | None = None
    language: str | None = None


def transcript(answer: Any) -> Transcript:
    """Raises TransientError for an answer without a text."""
    text = getattr(answer, "text", None)
    if not isinstance(text, str):
        raise TransientError("OpenAI answered without a transcript")
    usage = getattr(answer, "usage", None)
    return Transcript(
        text=text,
        duration=_seconds(getattr(answer, "duration", None)) or _seconds(getattr(usage, "seconds", None)),
        language=_language(answer),
    )


def speech(audio: bytes, headers: Mapping[str, str]) -> bytes:
    """Raises TransientError for an answer that is no sound."""
    kind = headers.get("content-type", "")
    if not audio or kind.startswith(("text/", "application/json")):
        raise TransientError("OpenAI answered with no speech")
    return audio


def json_object(completion: Any) -> dict[str, Any]:
    """The object that a chat's answer is. Raises PermanentError for a refusal, and TransientError for an
    answer that is cut off or something else."""
    choice = _first(getattr(completion, "choices", None))
    message, reason = getattr(choice, "message", None), getattr(choice, "finish_reason", None)
    if message is None:
        raise TransientError("OpenAI answered without a choice")
    if getattr(message, "refusal", None) or reason == "content_filter":
        raise PermanentError("the model refused to evaluate the answer")
    if reason == "length":
        raise TransientError("the model's answer was cut off at its length limit")
    try:
        value = json.loads(getattr(message, "content", None) or "")
    except (ValueError, TypeError, RecursionError):  # broken, no text at all, or nested without end
        value = None
    if not isinstance(value, dict):
        raise TransientError("the model's answer is not a JSON object")
    return value


def _language(answer: Any) -> str | None:
    first = _first(getattr(answer, "languages", None))
    told = getattr(answer, "language", None) or getattr(first, "code", None)
    return told if isinstance(told, str) else None


def _first(values: Any) -> Any:
    return values[0] if isinstance(values, list) and values else None


def _seconds(value: Any) -> float | None:
    # Compared as it came: no float can hold every integer that JSON can spell.
    is_time = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= _LONGEST
    return float(value) if is_time else None
