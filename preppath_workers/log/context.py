"""Fields of a log line: those of the call and those of the context."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

#: Returns the context's fields; called for each line.
Fields = Callable[[], Mapping[str, Any]]

_context: ContextVar[Fields] = ContextVar("job_context", default=dict)


class LogContext:
    """Adds fields to every line that is logged inside the `with` block."""

    def __init__(self, fields: Fields) -> None:
        """`fields` is called for each line."""
        self._fields = fields

    def __enter__(self) -> None:
        self._token = _context.set(self._fields)

    def __exit__(self, *_: object) -> None:
        _context.reset(self._token)


def current() -> Mapping[str, Any]:
    """Return the fields of the innermost LogContext."""
    return _context.get()()


def fields(**values: Any) -> dict[str, dict[str, Any]]:
    """Return the `extra` argument of a log call: `logger.info("Job started", extra=fields(jobId=job.id))`."""
    return {"fields": values}
