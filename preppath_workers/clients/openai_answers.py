"""Reads OpenAI's answers. The SDK does not check what it was sent: a gateway's page of HTML, or the answer of
a server that speaks the API in its own way, arrives here as whatever it is."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import PermanentError, TransientError


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
    languages = getattr(answer, "languages", None) or ()
    return Transcript(
        text=text,
        duration=_seconds(getattr(answer, "duration", None)) or _seconds(getattr(usage, "seconds", None)),
        language=getattr(answer, "language", None) or next((language.code for language in languages), None),
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
    choices = getattr(completion, "choices", None) or [None]
    message, reason = getattr(choices[0], "message", None), getattr(choices[0], "finish_reason", None)
    if message is None:
        raise TransientError("OpenAI answered without a choice")
    if getattr(message, "refusal", None) or reason == "content_filter":
        raise PermanentError("the model refused to evaluate the answer")
    if reason == "length":
        raise TransientError("the model's answer was cut off at its length limit")
    try:
        value = json.loads(message.content or "")
    except (json.JSONDecodeError, TypeError):
        value = None
    if not isinstance(value, dict):
        raise TransientError("the model's answer is not a JSON object")
    return value


def _seconds(value: Any) -> float | None:
    is_time = isinstance(value, int | float) and math.isfinite(value) and value > 0
    return float(value) if is_time else None
