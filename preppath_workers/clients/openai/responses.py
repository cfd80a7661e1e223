"""Parse OpenAI's responses. The SDK does not validate them: a gateway's HTML page, or a response of another
vendor's shape, arrives here unchanged."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from pydantic import BaseModel

from ...errors import PermanentError, ServiceError, TransientError
from ..audio import mp3
from ..audio.format import audio_format
from .classification import SERVICE
from .doubtful_segments import without_doubtful
from .json_reply import find_object
from .refusals import Refusal, Refused
from .reported import duration, text_of

#: Fields of an error in a response with a status of success; the last is FastAPI's.
_FIELDS_OF_ERRORS = ("error", "message", "code", "detail")
#: Beginnings of a stream of server-sent events; the last is a comment.
_EVENTS = ("data:", "event:", "id:", ":")
#: Bytes of speech in which its first frame begins: some encoders pad.
_HEAD = 16_384


@dataclass(frozen=True)
class Transcript:
    """A transcript, with the duration in seconds and the language if the model reports them. `doubtful`:
    number of segments omitted from the text, see `doubtful_segments.py`."""

    text: str
    duration: float | None = None
    language: str | None = None
    doubtful: int = 0


def transcript(answer: Any) -> Transcript:
    """Return the transcript. Raises ServiceError for an answer without a text, and Refused for an error."""
    text = getattr(answer, "text", None)
    if not isinstance(text, str):
        raise _no_answer(answer, "a transcript")
    seconds = duration(answer, "duration") or duration(answer, "usage", "seconds")
    text, doubtful = without_doubtful(text, getattr(answer, "segments", None))
    return Transcript(
        text=text,
        doubtful=doubtful,
        duration=None if seconds is None else float(seconds),
        language=_language(answer),
    )


def speech(audio: bytes, headers: Mapping[str, str]) -> bytes:
    """Return the audio. Raises ServiceError for text in place of audio, Refused for an error, and
    TransientError for an empty answer."""
    if audio.startswith((b"{", b"[")):
        _raise_error(_json(audio), _FIELDS_OF_ERRORS, headers.get("x-request-id"))
    if headers.get("content-type", "").startswith(("text/", "application/json")) and audio:
        raise ServiceError(SERVICE, "OpenAI answered without speech")
    if not audio:
        raise TransientError("OpenAI answered with an empty speech")
    return audio


def require_mp3(audio: bytes) -> None:
    """Raise ServiceError for speech of another format: not all servers know `response_format`."""
    found = audio_format(BytesIO(audio))
    name = found.name if found else "MP3" if mp3.has_frame(audio[:_HEAD]) else "unknown"
    if name != "MP3":
        raise ServiceError(SERVICE, f"OpenAI's speech isn't MP3 but {name}: use a server that returns MP3")


def json_object(completion: Any) -> dict[str, Any]:
    """Return the JSON object in a chat's answer.

    Raises ServiceError for an answer without a choice; Refused for an error; PermanentError if the model
    refuses; TransientError for an answer that is cut off or has no JSON object.
    """
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
    content = text_of(message)
    value = find_object(content) if content else None
    if value is None:
        raise TransientError("the model's answer is not a JSON object")
    return value


def _no_answer(answer: Any, wanted: str, whole: Any = None) -> ServiceError:
    """Return the error for an answer without the wanted content. Raises Refused if it has an error."""
    whole = whole or answer
    _raise_error(answer, _FIELDS_OF_ERRORS, _request_id(whole))
    message = f"OpenAI answered without {wanted}"
    if isinstance(whole, str) and whole.startswith(_EVENTS):
        message += ", with a stream of events that was not asked for"
        return ServiceError(SERVICE, message, may_be_paid=True)  # a model has answered
    page = ", with text that is not JSON: check the model's base URL" if isinstance(whole, str) else ""
    return ServiceError(SERVICE, f"{message}{page}")


def _raise_error(answer: Any, fields: Sequence[str], request_id: str | None = None) -> None:
    """Raise Refused if the answer has one of these fields, and so an error or is one itself."""
    answer = _first(answer) or answer  # Google's servers put an error into a list
    unknown = answer.model_extra if isinstance(answer, BaseModel) else answer
    if not isinstance(unknown, dict) or not any(unknown.get(name) for name in fields):
        return
    raise Refused(Refusal(200, unknown.get("error") or unknown, request_id=request_id or _request_id(answer)))


def _request_id(answer: Any) -> str | None:
    value = getattr(answer, "_request_id", None)
    return value if isinstance(value, str) else None


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _language(answer: Any) -> str | None:
    first = _first(getattr(answer, "languages", None))
    value = getattr(answer, "language", None) or getattr(first, "code", None)
    return value if isinstance(value, str) else None


def _first(values: Any) -> Any:
    return values[0] if isinstance(values, list) and values else None
