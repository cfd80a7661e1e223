"""Structured logs without secrets: one JSON object per line, or coloured text on a terminal.

A log call passes its fields as `extra=fields(jobId=…)`, with the same camelCase names as in Redis. During a
job, `LogContext` adds the queue, job id and attempt to every line of the process.
"""

from .capture import capture_output
from .context import LogContext, fields
from .redaction import redact
from .setup import configure

__all__ = ["LogContext", "capture_output", "configure", "fields", "redact"]
