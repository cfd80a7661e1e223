"""The answer to a request whose parameters or body are wrong."""

from __future__ import annotations

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError

from .problem import Problem, refused

#: The parts of an error that are returned. What was sent may be a megabyte, and may not be valid in JSON.
_RETURNED = ("type", "loc", "msg")


def invalid_request(request: Request, error: RequestValidationError) -> Response:
    """Return the answer that names the wrong fields."""
    errors = error.errors()
    if any(each["loc"] == ("body",) for each in errors) and not _is_json(request):
        return Problem(415, "expected a JSON object, with Content-Type: application/json").response()
    detail = [{name: each[name] for name in _RETURNED} for each in errors]
    return refused(422, detail)


def _is_json(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return (
        kind == "application/json" or kind.endswith("+json") or request.headers.get("content-length") == "0"
    )
