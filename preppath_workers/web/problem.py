"""A refused request, and its answer in the API's shape."""

from __future__ import annotations

import json
from collections.abc import Mapping

from starlette.responses import Response


class Problem(Exception):
    """A refused request: the HTTP status, what is wrong, and for 405 the methods that are allowed."""

    def __init__(self, status: int, detail: str, allowed: str = "GET, HEAD") -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.allowed = allowed

    def response(self) -> Response:
        """Return the error in the API's shape: `{"detail"}`."""
        return refused(self.status, self.detail, self.headers())

    def headers(self) -> Mapping[str, str]:
        """Return the headers that belong to the status."""
        known: Mapping[int, Mapping[str, str]] = {
            401: {"WWW-Authenticate": "Bearer"},
            405: {"Allow": self.allowed},
            503: {"Retry-After": "5"},
        }
        return known.get(self.status, {})


def no_such_job(queue: str, job_id: str) -> str:
    """Return what is wrong if the queue has no job with this id."""
    return f"queue {queue} has no job {job_id!r}; finished jobs are deleted after a while"


def refused(status: int, detail: object, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer `{"detail"}`, in ASCII: a text of the request may not be encodable."""
    return Response(json.dumps({"detail": detail}), status, headers, media_type="application/json")
