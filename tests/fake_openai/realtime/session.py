"""One session of the Realtime API: its settings and its responses."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from tests.fake_openai.errors import ApiError
from tests.fake_openai.faults import Fault

from .response import speak, text_of
from .session_config import check_response, check_session
from .socket import WebSocket

#: Settings of a new session.
_DEFAULTS: dict[str, Any] = {
    "type": "realtime",
    "output_modalities": ["audio"],
    "audio": {"output": {"format": {"type": "audio/pcm", "rate": 24_000}, "voice": "alloy", "speed": 1.0}},
}

#: Called with each `response.create`: records a call and returns it with its fault.
Begin = Callable[[Mapping[str, Any]], tuple[dict[str, Any], Fault]]


class Session:
    """Answer one client's events until the socket closes."""

    def __init__(self, socket: WebSocket, model: str, begin: Begin, latency: float) -> None:
        self._socket = socket
        self._begin = begin
        self._latency = latency
        self._id = f"sess_{uuid.uuid4().hex}"
        self._settings: dict[str, Any] = {**_DEFAULTS, "model": model}
        self._has_spoken = False

    def run(self) -> None:
        self._send({"type": "session.created", "session": self._described()})
        for event in self._socket:
            try:
                if self._take(event):
                    return
            except ApiError as error:
                details = {**error.body()["error"], "event_id": event.get("event_id")}
                self._send({"type": "error", "error": details})

    def _take(self, event: Mapping[str, Any]) -> bool:
        """Answer one event; return whether that was the end of the session."""
        match event.get("type"):
            case "session.update":
                self._settings = check_session(event.get("session"), self._settings, self._has_spoken)
                self._send({"type": "session.updated", "session": self._described()})
            case "response.create":
                return self._respond(event)
            case _:
                raise ApiError(400, "Unknown event type.", "invalid_value", "type")
        return False

    def _respond(self, event: Mapping[str, Any]) -> bool:
        call, fault = self._begin(event)
        time.sleep(fault.latency + self._latency)
        if fault.cut == "before":
            self._socket.cut()
            return True
        if fault.close:
            self._socket.close(fault.close, fault.message if fault.code is None else fault.code)
            return True
        if fault.body is not None:
            self._socket.send_text(fault.body)
            return False
        if ordered := fault.error():
            raise ordered
        wanted = check_response(event.get("response"), self._settings)
        self._has_spoken = True
        for number, sent in enumerate(speak(wanted, text_of(wanted), fault), 1):
            self._send(sent)
            if fault.cut == "middle" and number == fault.after:
                self._socket.cut()
                return True
            if fault.silence and number == fault.after:
                time.sleep(fault.silence)
        call["status"] = 200
        if fault.cut == "after":
            self._socket.close(1001)
        return fault.cut == "after"

    def _described(self) -> dict[str, Any]:
        return {"id": self._id, "object": "realtime.session", **self._settings}

    def _send(self, event: Mapping[str, Any]) -> None:
        self._socket.send({"event_id": f"event_{uuid.uuid4().hex}", **event})
