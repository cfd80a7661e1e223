"""The models that this server has, with the day each ends: `GET /v1/models/{id}`.

Days are those of OpenAI's list of deprecations, as of November 2026.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from .errors import ApiError

Use = Literal["chat", "speech", "transcription", "realtime"]


@dataclass(frozen=True)
class Model:
    """A model: what it is for, the day it ends (ISO date), and whether it is gone already.

    That is a fact of its own and not read off the calendar: tests must not fail one day because of the date.
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
    """The model object. Raises ApiError (404) for a model that there is not."""
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
    """The model that a request names. Raises ApiError: 400 without one, 404 for one that there is not, is no
    more, or is for something else."""
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
