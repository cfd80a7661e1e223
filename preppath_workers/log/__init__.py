"""Structured logs: one JSON object a line, or coloured text on a terminal, never a secret.

Facts travel as `extra={"facts": {…}}` with names in camelCase, as they stand in Redis. Inside a job,
`JobContext` adds the queue, job id and attempt to every line, whoever writes it.
"""

from .capture import take_over
from .context import LogContext, fields
from .redaction import redact
from .setup import configure

__all__ = ["LogContext", "configure", "fields", "redact", "take_over"]
