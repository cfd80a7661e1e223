"""Fields of a log line: those of the call and those of the context."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

#: Returns the context's fields; called for each line.
Fields = Callable[[], Mapping[str, Any]]

#: Those of the open LogContexts, the innermost last. They are the process's, not a thread's: a worker runs
#: one job at a time, and the threads that its handler starts work for that job.
_open: list[Fields] = []


class LogContext:
    """Adds fields to every line that the process logs inside the `with` block, in any thread."""

    def __init__(self, fields: Fields) -> None:
        """`fields` is called for each line."""
        self._fields = fields

    def __enter__(self) -> None:
        _open.append(self._fields)

    def __exit__(self, *_: object) -> None:
        _open.pop()


def current() -> Mapping[str, Any]:
    """Return the fields of the innermost LogContext."""
    innermost = _open[-1:]  # in one operation, because another thread may close it
    return innermost[0]() if innermost else {}


def fields(**values: Any) -> dict[str, dict[str, Any]]:
    """Return the `extra` argument of a log call: `logger.info("Job started", extra=fields(jobId=job.id))`."""
    return {"fields": values}
