"""What a log line knows beside its message."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

#: What the line about a job tells of it; asked for each line.
Fields = Callable[[], Mapping[str, Any]]

_context: ContextVar[Fields] = ContextVar("job_context", default=dict)


class LogContext:
    """Adds facts to every line logged inside the block. They are asked for when there is a line."""

    def __init__(self, fields: Fields) -> None:
        self._facts = fields

    def __enter__(self) -> None:
        self._token = _context.set(self._facts)

    def __exit__(self, *_: object) -> None:
        _context.reset(self._token)


def current() -> Mapping[str, Any]:
    """The facts of the innermost JobContext."""
    return _context.get()()


def fields(**values: Any) -> dict[str, dict[str, Any]]:
    """The `extra` argument of a log call: `logger.info("Job started", extra=facts(jobId=job.id))`."""
    return {"fields": values}
