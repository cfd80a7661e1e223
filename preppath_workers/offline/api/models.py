"""The models that a server has: `GET /v1/models`, and the model that a request names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from .errors import ApiError

Use = Literal["chat", "speech", "transcription", "realtime"]

_CREATED = 1_700_000_000


@dataclass(frozen=True)
class Model:
    """A model: its use, its shutdown date (ISO) and whether it is gone already.

    `gone` does not depend on today's date, so that tests give the same result on any day.
    """

    use: Use
    shutdown_date: str | None = None
    gone: bool = False


class Models:
    """A server's models by name.

    `owner`: the organization that owns them; `lists_names`: an error about an unknown model names the known.
    """

    def __init__(self, models: Mapping[str, Model], owner: str = "system", lists_names: bool = False) -> None:
        self._models = models
        self._owner = owner
        self._hint = f" This server has {', '.join(models)}." if lists_names else ""

    def all(self) -> dict[str, Any]:
        """Return the list of all models, in the API's shape."""
        return {"object": "list", "data": [self.describe(name) for name in self._models]}

    def describe(self, name: str) -> dict[str, Any]:
        """Return the model object. Raises ApiError (404) for an unknown model."""
        model = self._models.get(name)
        if model is None:
            raise self._missing(name)
        return {
            "id": name,
            "object": "model",
            "created": _CREATED,
            "owned_by": self._owner,
            "shutdown_date": model.shutdown_date,
        }

    def require(self, body: Mapping[str, Any], use: Use) -> str:
        """Return the model that a request names. Raises ApiError: 400 without one, 404 if it is unknown, gone
        or for another use."""
        name = body.get("model")
        if not isinstance(name, str) or not name:
            raise ApiError(400, "you must provide a model parameter")
        model = self._models.get(name)
        if model is None or model.gone:
            raise self._missing(name)
        if model.use != use:
            raise ApiError(404, f"The model `{name}` is not supported by this endpoint.", param="model")
        return name

    def _missing(self, name: str) -> ApiError:
        message = f"The model `{name}` does not exist or you do not have access to it.{self._hint}"
        return ApiError(404, message, "model_not_found")
