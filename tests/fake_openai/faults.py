"""Faults that tests order: what fails, for which requests, how often."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from preppath_workers.offline.api.errors import ApiError

from .http import Cut


@dataclass(frozen=True)
class Fault:
    """A fault of the next `times` requests to this path, or to any path if it is None.

    The fields can be combined: a response may be late, an error and cut off at once.
    """

    path: str | None = None
    times: int = 1
    #: Seconds before the answer.
    latency: float = 0.0
    #: An error response of this status, with these fields in its error object.
    status: int | None = None
    code: str | None = None
    type: str | None = None
    param: str | None = None
    message: str = "This fault was ordered."
    #: More headers of the response.
    headers: Mapping[str, str] = field(default_factory=dict)
    #: The body of the response, or the only event of a Realtime response.
    body: str | None = None
    #: An error object in the body of a 200 response, as gateways send it.
    body_error: Any = None
    cut: Cut | None = None
    #: The content of a chat completion or Realtime response: text, or anything else as JSON.
    content: Any = None
    #: The finish reason of a chat completion (`length`, `content_filter`, `error`) or of a Realtime response
    #: (`max_output_tokens`, `content_filter`).
    finish_reason: str | None = None
    #: An error object in the choice of a chat completion.
    choice_error: Any = None
    #: The refusal of a chat completion.
    refusal: str | None = None
    #: The status of a Realtime response: `failed`, `incomplete`, `cancelled`.
    ends: str | None = None
    #: The code that closes the socket instead of a Realtime response.
    close: int | None = None
    #: Seconds of silence in a Realtime response, and the number of events before it or before a cut in the
    #: middle.
    silence: float = 0.0
    after: int = 6

    def error(self) -> ApiError | None:
        """Return the error response, if this fault is one."""
        if self.status is None or self.status < 400:
            return None
        return ApiError(self.status, self.message, self.code, self.param, self.type)


class Faults:
    """The ordered faults that are left, oldest first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ordered: list[Fault] = []

    def order(self, wanted: Sequence[Mapping[str, Any]]) -> None:
        """Append faults. Raises ApiError (400) for an unknown field."""
        known = {each.name for each in fields(Fault)}
        for fault in wanted:
            if unknown := fault.keys() - known:
                raise ApiError(400, f"unknown fields of a fault: {', '.join(sorted(unknown))}")
        with self._lock:
            self._ordered += [Fault(**fault) for fault in wanted]

    def take(self, path: str) -> Fault:
        """Use and return the first fault that matches, or one without effect."""
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
