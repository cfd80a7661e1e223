"""Why requests are refused, for OpenAPI."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel


class Refusal(BaseModel):
    """Why a request was refused: a sentence, or with 422 the wrong fields."""

    detail: str | list[dict[str, Any]]


#: The refusals that any route may answer with, for OpenAPI.
REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": Refusal, "description": description}
    for status, description in (
        (401, "no valid token"),
        (403, "the token lacks the scope, or the change comes from another site"),
        (404, "there is no such queue, job or group"),
        (421, "unknown host"),
        (422, "a parameter or field is wrong"),
        (503, "Redis does not answer, too few replicas have confirmed, or this server is too old"),
    )
}

#: Those of changes.
REFUSED_CHANGES: dict[int | str, dict[str, Any]] = {
    400: {"model": Refusal, "description": "the body is not JSON in UTF-8"},
    405: {"model": Refusal, "description": "this server is read-only"},
    409: {"model": Refusal, "description": "the job's state does not allow it"},
    408: {"model": Refusal, "description": "the body did not arrive in time"},
    413: {"model": Refusal, "description": "too large"},
    415: {"model": Refusal, "description": "the body is not announced as JSON"},
}
