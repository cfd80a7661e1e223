"""Fields of log lines: those of one call, and those of the job that runs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

#: Returns the context's fields; called for each line.
Fields = Callable[[], Mapping[str, Any]]


class LogContext(logging.Filter):
    """Adds fields to every line that the process logs inside the `with` block, in any thread.

    A worker runs one job at a time, so the threads that its handler starts work for that job.
    """

    def __init__(self, fields: Fields) -> None:
        """`fields` is called for each line."""
        super().__init__()
        self._fields = fields

    def __enter__(self) -> None:
        # Not to the logger, whose filters are not asked about the lines of other loggers.
        self._handlers = logging.getLogger().handlers[:]
        for handler in self._handlers:
            handler.addFilter(self)

    def __exit__(self, *_: object) -> None:
        for handler in self._handlers:
            handler.removeFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        """Note the fields in the record; those of the innermost context remain."""
        record.log_context = self._fields()
        return True


def fields(**values: Any) -> dict[str, dict[str, Any]]:
    """Return the `extra` argument of a log call: `logger.info("Job started", extra=fields(jobId=job.id))`."""
    return {"fields": values}
