"""From a request to its response: authentication, ordered faults, and the endpoint."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from preppath_workers.offline.api.errors import ApiError
from preppath_workers.offline.api.http import Request, Response, json_response
from preppath_workers.offline.api.websocket import WebSocket

from .calls import Calls
from .chat import create_completion
from .faults import Fault, Faults
from .http import CutResponse
from .ledger import charge
from .models import MODELS
from .rate_limit import Limited, RateLimit
from .realtime_session import FaultySession
from .speech import create_speech
from .transcription import create_transcription

#: A well-formed key that is refused.
WRONG_KEY = "sk-wrong"

_ENDPOINTS: dict[tuple[str, str], Callable[[Request, Fault], Response]] = {
    ("POST", "/v1/audio/speech"): create_speech,
    ("POST", "/v1/audio/transcriptions"): create_transcription,
    ("POST", "/v1/chat/completions"): create_completion,
}

_MODELS = "/v1/models/"
REALTIME = "/v1/realtime"
#: The path under which the responses of a Realtime session are recorded, and faults ordered.
RESPONSES = "/v1/realtime/response.create"


class Application:
    """The whole server without the sockets. `latency`: the least seconds of each POST."""

    def __init__(self, latency: float = 0.0) -> None:
        self._latency = latency
        self._faults = Faults()
        self._calls = Calls()
        self._rate_limit = RateLimit()

    def __call__(self, request: Request) -> Response:
        """Return the response; an ApiError becomes an error response."""
        try:
            if request.path.startswith("/control"):
                return self._control(request)
            return self._api(request)
        except ApiError as error:
            return json_response(error.body(), error.status)

    def _control(self, request: Request) -> Response:
        match request.method, request.path:
            case "POST", "/control/faults":
                self._faults.order(request.json_list)
            case "GET", "/control/calls":
                return json_response(self._calls.all())
            case "DELETE", "/control":
                self._faults.clear()
                self._calls.clear()
                self._rate_limit.clear()
            case "POST", "/control/rate_limit":
                self._rate_limit.set(request.json)
            case _:
                raise ApiError(404, "Unknown control.")
        return json_response({})

    def _api(self, request: Request) -> Response:
        call = self._calls.begin(request)
        fault = self._faults.take(request.path)
        try:
            limits = self._rate_limit.take(_tokens(call["body"])) if request.method == "POST" else {}
        except Limited as error:
            call["status"] = error.status
            return replace(json_response(error.body(), error.status), headers=error.headers)
        time.sleep(fault.latency + (self._latency if request.method == "POST" else 0))
        response = self._answer(request, fault)
        if fault.cut != "before":
            call["status"] = response.status
        call["requestId"] = f"req_{uuid.uuid4().hex}"
        call["charge"] = charge(response, call["model"])
        headers = {"x-request-id": call["requestId"], **limits, **response.headers, **fault.headers}
        return CutResponse(**{**vars(response), "headers": headers, "cut": fault.cut})

    def _answer(self, request: Request, fault: Fault) -> Response:
        try:
            if ordered := fault.error():
                raise ordered
            response = self._endpoint(request, fault)
        except ApiError as error:
            response = json_response(error.body(), error.status)
        if fault.body_error is not None:
            return json_response({"error": fault.body_error})
        if fault.body is None:
            return response
        return replace(response, body=fault.body.encode(), status=fault.status or 200)

    def _endpoint(self, request: Request, fault: Fault) -> Response:
        _authenticate(request)
        if request.method == "GET" and request.path.startswith(_MODELS):
            return json_response(MODELS.describe(request.path.removeprefix(_MODELS)))
        if request.method == "GET" and request.path == REALTIME:
            return self._realtime(request)
        endpoint = _ENDPOINTS.get((request.method, request.path))
        if endpoint is None:
            raise ApiError(404, f"Invalid URL ({request.method} {request.path})")
        return endpoint(request, fault)

    def _realtime(self, request: Request) -> Response:
        if request.headers.get("upgrade", "").lower() != "websocket":
            raise ApiError(426, "This endpoint is a WebSocket.")
        model = MODELS.require(request.query, "realtime")

        def begin(event: Mapping[str, Any]) -> tuple[dict[str, Any], Fault]:
            body = json.dumps({"model": model, **event}).encode()
            call = self._calls.begin(Request("EVENT", RESPONSES, {}, body))
            return call, self._faults.take(RESPONSES)

        def serve(socket: WebSocket) -> None:
            FaultySession(socket, model, begin, self._latency).run()

        return Response(status=101, upgrade=serve)


def _tokens(body: Mapping[str, Any]) -> int:
    """Return what a request counts against the limit of tokens: the more of its longest answer and its own
    length, four characters a token, by OpenAI's guide "Rate limits"."""
    longest = body.get("max_completion_tokens")
    return max(longest if isinstance(longest, int) else 0, len(json.dumps(body)) // 4)


def _authenticate(request: Request) -> None:
    """Raise ApiError (401) unless the request has a well-formed key."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.startswith("sk-") or key == WRONG_KEY:
        raise ApiError(401, "Incorrect or missing API key.", "invalid_api_key")
