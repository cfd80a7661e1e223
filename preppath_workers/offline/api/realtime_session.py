"""One session of the Realtime API: its settings and its responses."""

from __future__ import annotations

import sys
import traceback
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from websockets.exceptions import WebSocketException

from .errors import SERVER_FAILED, ApiError
from .realtime_config import PCM, check_response, check_session
from .websocket import WebSocket

#: Settings of a new session.
_DEFAULTS: dict[str, Any] = {
    "type": "realtime",
    "output_modalities": ["audio"],
    "audio": {"output": {"format": PCM, "voice": "alloy", "speed": 1.0}},
}

#: Called with the checked settings of a response; yields its events. May raise ApiError.
Speak = Callable[[Mapping[str, Any]], Iterator[dict[str, Any]]]


class Session:
    """Answers one client's events until the socket closes."""

    def __init__(self, socket: WebSocket, model: str, speak: Speak) -> None:
        self._socket = socket
        self._speak = speak
        self._id = f"sess_{uuid.uuid4().hex}"
        self._settings: dict[str, Any] = {**_DEFAULTS, "model": model}
        self._has_spoken = False

    def run(self) -> None:
        """Answer until the session ends."""
        self._send({"type": "session.created", "session": self._described()})
        for event in self._socket:
            try:
                if self._take(event):
                    return
            except ApiError as error:
                self._report(error, event)
            except (OSError, WebSocketException):  # the client is gone
                raise
            except Exception:  # noqa: BLE001 — the client gets an answer, the terminal the traceback
                traceback.print_exc(file=sys.stderr)
                self._report(ApiError(500, SERVER_FAILED), event)

    def respond(self, event: Mapping[str, Any]) -> bool:
        """Answer `response.create`; return whether that was the end of the session."""
        for sent in self._speak(self._wanted(event)):
            self._send(sent)
        return False

    def _take(self, event: Any) -> bool:
        match event.get("type") if isinstance(event, dict) else None:
            case "session.update":
                self._settings = check_session(event.get("session"), self._settings, self._has_spoken)
                self._send({"type": "session.updated", "session": self._described()})
            case "response.create":
                return self.respond(event)
            case _:
                raise ApiError(400, "Unknown event type.", "invalid_value", "type")
        return False

    def _wanted(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Return the checked settings of a response. Raises ApiError (400)."""
        wanted = check_response(event.get("response"), self._settings)
        self._has_spoken = True
        return wanted

    def _report(self, error: ApiError, event: Any) -> None:
        event_id = event.get("event_id") if isinstance(event, dict) else None
        self._send({"type": "error", "error": {**error.body()["error"], "event_id": event_id}})

    def _described(self) -> dict[str, Any]:
        return {"id": self._id, "object": "realtime.session", **self._settings}

    def _send(self, event: Mapping[str, Any]) -> None:
        self._socket.send({"event_id": f"event_{uuid.uuid4().hex}", **event})
