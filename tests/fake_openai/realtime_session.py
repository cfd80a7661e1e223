"""One session of the Realtime API, with ordered faults."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from preppath_workers.offline.api.realtime_events import text_of
from preppath_workers.offline.api.realtime_session import Session
from preppath_workers.offline.api.websocket import WebSocket

from .faults import Fault
from .ledger import realtime_charge
from .realtime_response import speak

#: Called with each `response.create`: records a call and returns it with its fault.
Begin = Callable[[Mapping[str, Any]], tuple[dict[str, Any], Fault]]


class FaultySession(Session):
    """A session whose responses have the faults that `begin` returns. `latency`: least seconds of each."""

    def __init__(self, socket: WebSocket, model: str, begin: Begin, latency: float) -> None:
        super().__init__(socket, model, lambda wanted: iter(()))
        self._begin = begin
        self._latency = latency

    def respond(self, event: Mapping[str, Any]) -> bool:
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
        wanted = self._wanted(event)
        for number, sent in enumerate(speak(wanted, text_of(wanted), fault), 1):
            if sent["type"] == "response.done":
                call["requestId"] = sent["response"]["id"]
                call["charge"] = realtime_charge(call["model"], sent["response"]["usage"])
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
