"""Traces of attempts, sent to a collector by OTLP over HTTP. Needs the extra `otel`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from ... import __version__
from ...registry import JobContext
from .around import NO_FAILURE, Hook
from .spans import recorded_span

#: Milliseconds that a process that ends waits for its last spans.
_FLUSH_LIMIT = 2_000


def tracing_hook(endpoint: str) -> Hook:
    """Return a hook that records a span for each attempt.

    It is a trace of its own, linked to the producer's: a job may wait for days, and be retried. It has no
    data of the job.
    """
    started_in = 0

    def start() -> None:
        # In the worker, because it starts a thread.
        nonlocal started_in
        if started_in != os.getpid():
            started_in = os.getpid()
            start_tracing(endpoint, "preppath-workers")

    @contextmanager
    def hook(context: JobContext) -> Iterator[None]:
        start()
        attributes = {
            "messaging.system": "preppath",
            "messaging.destination.name": context.queue,
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "messaging.message.id": context.id,
            "preppath.attempt": context.attempt,
        }
        name, links = f"process {context.queue}", _links(context.traceparent)
        with recorded_span(trace, name, trace.SpanKind.CONSUMER, attributes, links, NO_FAILURE):
            yield

    return hook


def start_tracing(endpoint: str, service: str) -> None:
    """Send this process's spans to a collector, under the name of a service. It starts a thread."""
    resource = Resource.create({"service.name": service, "service.version": __version__})
    provider = TracerProvider(resource=resource)
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=_FLUSH_LIMIT / 1000)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)


def flush() -> None:
    """Send the last spans of a process that ends."""
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider.force_flush(_FLUSH_LIMIT)


def _links(traceparent: str | None) -> list[trace.Link]:
    if not traceparent:
        return []
    extracted = TraceContextTextMapPropagator().extract({"traceparent": traceparent})
    producer = trace.get_current_span(extracted).get_span_context()
    return [trace.Link(producer)] if producer.is_valid else []
