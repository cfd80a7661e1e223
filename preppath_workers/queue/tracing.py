"""Spans of producers if the program uses OpenTelemetry. Otherwise nothing is imported and nothing is done."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import ModuleType
from typing import Any

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


def is_traceparent(value: str) -> bool:
    """Return whether the value is a traceparent (https://www.w3.org/TR/trace-context/#traceparent-header)."""
    return isinstance(value, str) and _TRACEPARENT.fullmatch(value) is not None


def producer_span(queue: str, job_id: str, parent: str | None = None) -> AbstractContextManager[str | None]:
    """Return a context manager that records that a job is added, and yields the traceparent for it: the
    attempts' spans link to this one.

    `parent`: the traceparent that the span belongs to; the program's current span by default. It is yielded
    unchanged if nothing is recorded.
    """
    trace = sys.modules.get("opentelemetry.trace")
    # redis-py imports the module if it is installed. The program records spans once it has set a provider.
    if trace is None or isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        return nullcontext(parent)
    if parent is not None and not is_traceparent(parent):
        return nullcontext(parent)
    return _recorded_span(trace, queue, job_id, parent)


@contextmanager
def _recorded_span(trace: ModuleType, queue: str, job_id: str, parent: str | None) -> Iterator[str | None]:
    attributes = {
        "messaging.system": "preppath",
        "messaging.destination.name": queue,
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.message.id": job_id,
    }
    context = None if parent is None else _context_of(trace, parent)
    tracer = trace.get_tracer("preppath_workers")
    with tracer.start_as_current_span(
        f"send {queue}", context, kind=trace.SpanKind.PRODUCER, attributes=attributes
    ) as span:
        made = span.get_span_context()
        if made.is_valid:
            yield f"00-{made.trace_id:032x}-{made.span_id:016x}-{made.trace_flags:02x}"
        else:
            yield parent


def _context_of(trace: ModuleType, traceparent: str) -> Any:
    """Return the context of a traceparent; None, for the current one, if that is in the same trace."""
    _, trace_id, span_id, flags = (int(part, 16) for part in traceparent.split("-"))
    if trace.get_current_span().get_span_context().trace_id == trace_id:
        return None
    remote = trace.SpanContext(trace_id, span_id, is_remote=True, trace_flags=trace.TraceFlags(flags))
    return trace.set_span_in_context(trace.NonRecordingSpan(remote))
