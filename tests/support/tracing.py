"""What a receiver got from OpenTelemetry's exporter, and the trace of a producer."""

from __future__ import annotations

import gzip
from typing import Any

from .receiver import Receiver

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def spans(server: Receiver) -> list[Any]:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    found = []
    for received in server.received:
        body = gzip.decompress(received.body) if received.body[:2] == b"\x1f\x8b" else received.body
        request = ExportTraceServiceRequest.FromString(body)
        found += [
            span for each in request.resource_spans for scope in each.scope_spans for span in scope.spans
        ]
    return found


def attributes(span: Any) -> dict[str, Any]:
    return {each.key: each.value.string_value or each.value.int_value for each in span.attributes}
