"""Spans of producers if the program uses OpenTelemetry. Otherwise nothing is imported and nothing is done."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


def is_traceparent(value: str) -> bool:
    """Return whether the value is a traceparent (https://www.w3.org/TR/trace-context/#traceparent-header)."""
    return _TRACEPARENT.fullmatch(value) is not None


@contextmanager
def producer_span(queue: str, job_id: str) -> Iterator[str | None]:
    """Record that a job is added, and yield the traceparent for it: the attempts' spans link to this one."""
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None:
        yield None
        return
    attributes = {
        "messaging.system": "preppath",
        "messaging.destination.name": queue,
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.message.id": job_id,
    }
    tracer = trace.get_tracer("preppath_workers")
    with tracer.start_as_current_span(
        f"send {queue}", kind=trace.SpanKind.PRODUCER, attributes=attributes
    ) as span:
        made = span.get_span_context()
        yield f"00-{made.trace_id:032x}-{made.span_id:016x}-{made.trace_flags:02x}" if made.is_valid else None
