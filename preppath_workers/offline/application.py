"""From a request to its response: the key, the route, the log."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from . import endpoints
from .api.errors import ApiError
from .api.http import Request, Response, json_response
from .api.realtime_session import Session
from .api.websocket import WebSocket
from .loading import Engines
from .models import MODELS

_REALTIME = "/v1/realtime"
_MODELS = "/v1/models"

#: Called with a line for each request: time of day, method, path, status, seconds.
Log = Callable[[str], None]


class Application:
    """The server without its sockets."""

    def __init__(self, engines: Engines, log: Log) -> None:
        self._engines = engines
        self._log = log
        self._endpoints: dict[tuple[str, str], Callable[[Request], Response]] = {
            ("POST", "/v1/audio/transcriptions"): partial(endpoints.transcribe, engines),
            ("POST", "/v1/audio/speech"): partial(endpoints.speak, engines),
            ("POST", "/v1/chat/completions"): partial(endpoints.grade, engines),
            ("GET", _MODELS): lambda request: json_response(MODELS.all()),
            ("GET", _REALTIME): self._realtime,
        }

    def __call__(self, request: Request) -> Response:
        """Return the response; an ApiError becomes an error response."""
        began = time.monotonic()
        try:
            _authenticate(request)
            response = self._route(request)
        except ApiError as error:
            response = json_response(error.body(), error.status)
        self._report(request.method, request.path, response.status, began)
        return replace(response, headers={"x-request-id": f"req_{uuid.uuid4().hex}", **response.headers})

    def _route(self, request: Request) -> Response:
        method, path = request.method, request.path.rstrip("/")
        if (method, path) in self._endpoints:
            return self._endpoints[method, path](request)
        if method == "GET" and path.startswith(f"{_MODELS}/"):
            return json_response(MODELS.describe(path.removeprefix(f"{_MODELS}/")))
        if any(path == known for _, known in self._endpoints):
            message = f"Not allowed to {method} on {path}."
            raise ApiError(405, message, "method_not_supported")
        raise ApiError(404, f"Unknown request URL: {method} {path}.", "unknown_url")

    def _realtime(self, request: Request) -> Response:
        if request.headers.get("upgrade", "").lower() != "websocket":
            raise ApiError(426, "This endpoint is a WebSocket.")
        model = MODELS.require(request.query, "realtime")

        def serve(socket: WebSocket) -> None:
            Session(socket, model, self._speak).run()

        return Response(status=101, upgrade=serve)

    def _speak(self, wanted: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        began = time.monotonic()
        yield from endpoints.speak_realtime(self._engines, wanted)
        self._report("EVENT", f"{_REALTIME}/response.create", 200, began)

    def _report(self, method: str, path: str, status: int, began: float) -> None:
        seconds = time.monotonic() - began
        self._log(f"{time.strftime('%H:%M:%S')} {method} {path} {status} {seconds:.2f} s")


def _authenticate(request: Request) -> None:
    """Raise ApiError (401) without a key. Any key will do."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        message = "You didn't provide an API key. This server accepts any: Authorization: Bearer offline."
        raise ApiError(401, message)
