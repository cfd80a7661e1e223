"""Reads OpenAI's answers. The SDK does not check what it was sent: a gateway's page of HTML, or the answer of
a server that speaks the API in its own way, arrives here as whatever it is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from ...errors import PermanentError, ServiceError, TransientError
from .classification import SERVICE
from .doubtful_segments import without_doubtful
from .json_reply import find_object
from .refusals import Refusal, Refused

#: What an answer has that is an error without being told so by its status; the last is FastAPI's.
_FIELDS_OF_ERRORS = ("error", "message", "code", "detail")
#: Seconds of the longest recording that a duration is believed of: a week.
_LONGEST = 604_800.0


@dataclass(frozen=True)
class Transcript:
    """What was said; the duration in seconds and the language where the model tells them. `doubtful` segments
    are left out of the text: the model heard words there, and that there were none."""

    text: str
    duration: float | None = None
    language: str | None = None
    doubtful: int = 0


def transcript(answer: Any) -> Transcript:
    """Raises ServiceError for an answer without a text, and Refused for an error."""
    text = getattr(answer, "text", None)
    if not isinstance(text, str):
        raise _no_answer(answer, "a transcript")
    usage = getattr(answer, "usage", None)
    text, doubtful = without_doubtful(text, getattr(answer, "segments", None))
    return Transcript(
        text=text,
        doubtful=doubtful,
        duration=_seconds(getattr(answer, "duration", None)) or _seconds(getattr(usage, "seconds", None)),
        language=_language(answer),
    )


def speech(audio: bytes, headers: Mapping[str, str]) -> bytes:
    """Raises ServiceError for a text in place of a sound, Refused for an error, and TransientError for an
    empty answer."""
    if audio.startswith((b"{", b"[")):
        _raise_error(_json(audio), _FIELDS_OF_ERRORS, headers.get("x-request-id"))
    if headers.get("content-type", "").startswith(("text/", "application/json")) and audio:
        raise ServiceError(SERVICE, "OpenAI answered without speech")
    if not audio:
        raise TransientError("OpenAI answered with an empty speech")
    return audio


def json_object(completion: Any) -> dict[str, Any]:
    """The object that a chat's answer is. Raises ServiceError for an answer without a choice, Refused for an
    error, PermanentError for a model's refusal, and TransientError for an answer that is cut off or something
    else."""
    _raise_error(completion, ("error",))
    choice = _first(getattr(completion, "choices", None))
    message, reason = getattr(choice, "message", None), getattr(choice, "finish_reason", None)
    if message is None or reason == "error":
        raise _no_answer(choice or completion, "a choice", completion)
    _raise_error(choice, ("error",), _request_id(completion))
    if getattr(message, "refusal", None) or reason == "content_filter":
        raise PermanentError("the model refused to evaluate the answer")
    if reason == "length":
        raise TransientError("the model's answer was cut off at its length limit")
    content = getattr(message, "content", None)
    value = find_object(content) if isinstance(content, str) else None
    if value is None:
        raise TransientError("the model's answer is not a JSON object")
    return value


def _no_answer(answer: Any, wanted: str, whole: Any = None) -> ServiceError:
    """The error for an answer that lacks what was asked for. Raises Refused if the answer says why."""
    _raise_error(answer, _FIELDS_OF_ERRORS, _request_id(whole or answer))
    return ServiceError(SERVICE, f"OpenAI answered without {wanted}")


def _raise_error(answer: Any, fields: Sequence[str], request_id: str | None = None) -> None:
    """Raises Refused for an answer with an `error`, or, by the other fields, one that is an error itself."""
    answer = _first(answer) or answer  # Google's servers put an error into a list
    unknown = answer.model_extra if isinstance(answer, BaseModel) else answer
    if not isinstance(unknown, dict) or not any(unknown.get(name) for name in fields):
        return
    raise Refused(Refusal(200, unknown.get("error") or unknown, request_id=request_id or _request_id(answer)))


def _request_id(answer: Any) -> str | None:
    told = getattr(answer, "_request_id", None)
    return told if isinstance(told, str) else None


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


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
