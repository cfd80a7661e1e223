"""Faults that tests order: what goes wrong, with which requests, how often."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from .errors import ApiError
from .http import Cut


@dataclass(frozen=True)
class Fault:
    """What happens to the next `times` requests of this path (of any path when it is None).

    The fields work together: a fault may be late, say no and cut the connection all at once.
    """

    path: str | None = None
    times: int = 1
    #: Seconds before the answer.
    latency: float = 0.0
    #: An error answer of this status, with these fields in its error object.
    status: int | None = None
    code: str | None = None
    type: str | None = None
    param: str | None = None
    message: str = "This fault was ordered."
    #: Headers of the answer, whatever it is.
    headers: Mapping[str, str] = field(default_factory=dict)
    #: The whole body, instead of the real one; the one event, instead of a Realtime response.
    body: str | None = None
    #: An error object in the body of a success, as gateways send it.
    body_error: Any = None
    cut: Cut | None = None
    #: What a chat completion, or a Realtime response, says instead: a text as it is, anything else as JSON.
    content: Any = None
    #: How a chat completion ends instead: `length`, `content_filter`, `error`. Why a Realtime response does:
    #: `max_output_tokens`, `content_filter`.
    finish_reason: str | None = None
    #: An error object in the choice of a chat completion.
    choice_error: Any = None
    #: A chat completion that refuses, in these words.
    refusal: str | None = None
    #: How a Realtime response ends instead: `failed`, `incomplete`, `cancelled`.
    ends: str | None = None
    #: The code that the socket is closed with, instead of a Realtime response.
    close: int | None = None
    #: Seconds of silence within a Realtime response, and the number of events before it, or before a cut in
    #: the middle.
    silence: float = 0.0
    after: int = 6

    def error(self) -> ApiError | None:
        """The error answer, if this fault is one."""
        if self.status is None or self.status < 400:
            return None
        return ApiError(self.status, self.message, self.code, self.param, self.type)


class Faults:
    """The faults that are ordered and not used up yet, oldest first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ordered: list[Fault] = []

    def order(self, wanted: Sequence[Mapping[str, Any]]) -> None:
        """Adds faults at the end. Raises ApiError (400) for a field that Fault does not have."""
        known = {each.name for each in fields(Fault)}
        for fault in wanted:
            if unknown := fault.keys() - known:
                raise ApiError(400, f"unknown fields of a fault: {', '.join(sorted(unknown))}")
        with self._lock:
            self._ordered += [Fault(**fault) for fault in wanted]

    def take(self, path: str) -> Fault:
        """The first fault that matches, used once; a fault that does nothing when there is none."""
        with self._lock:
            for at, fault in enumerate(self._ordered):
                if fault.path in (None, path):
                    rest = [replace(fault, times=fault.times - 1)] if fault.times > 1 else []
                    self._ordered[at : at + 1] = rest
                    return fault
        return Fault()

    def clear(self) -> None:
        with self._lock:
            self._ordered.clear()
