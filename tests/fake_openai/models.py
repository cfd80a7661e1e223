"""The server's models with their shutdown dates: `GET /v1/models/{id}`.

Dates are those of OpenAI's deprecations page in November 2026.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from .errors import ApiError

Use = Literal["chat", "speech", "transcription", "realtime"]


@dataclass(frozen=True)
class Model:
    """A model: its use, its shutdown date (ISO) and whether it is gone already.

    `gone` does not depend on today's date, so that tests give the same result on any day.
    """

    use: Use
    shutdown_date: str | None = None
    gone: bool = False


_MODELS = {
    "gpt-4-1106-preview": Model("chat", "2026-10-23", gone=True),
    "gpt-6-luna": Model("chat"),
    "gpt-6-sol": Model("chat"),
    "tts-1": Model("speech", "2027-01-06"),
    "tts-1-hd": Model("speech", "2027-01-06"),
    "gpt-4o-mini-tts": Model("speech", "2027-01-06"),
    "whisper-1": Model("transcription", "2027-02-26"),
    "gpt-4o-transcribe": Model("transcription", "2027-02-26"),
    "gpt-4o-mini-transcribe": Model("transcription", "2027-02-26"),
    "gpt-transcribe": Model("transcription"),
    "gpt-realtime-2.1-mini": Model("realtime"),
}

_CREATED = 1_700_000_000


def describe(name: str) -> dict[str, Any]:
    """Return the model object. Raises ApiError (404) for an unknown model."""
    model = _MODELS.get(name)
    if model is None:
        raise _missing(name)
    return {
        "id": name,
        "object": "model",
        "created": _CREATED,
        "owned_by": "system",
        "shutdown_date": model.shutdown_date,
    }


def require(body: Mapping[str, Any], use: Use) -> str:
    """Return the model that a request names. Raises ApiError: 400 without one, 404 if it is unknown, gone or
    for another use."""
    name = body.get("model")
    if not isinstance(name, str) or not name:
        raise ApiError(400, "you must provide a model parameter")
    model = _MODELS.get(name)
    if model is None or model.gone:
        raise _missing(name)
    if model.use != use:
        raise ApiError(404, f"The model `{name}` is not supported by this endpoint.", param="model")
    return name


def _missing(name: str) -> ApiError:
    return ApiError(
        404, f"The model `{name}` does not exist or you do not have access to it.", "model_not_found"
    )
