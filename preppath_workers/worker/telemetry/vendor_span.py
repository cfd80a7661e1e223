"""A span for each paid request, with the names of OpenTelemetry's conventions for generative AI."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from ...clients.usage import Usage
from .spans import recorded_span


class _Charged(Protocol):
    usage: Usage | None


@contextmanager
def vendor_span(worst_case: Usage, payment: _Charged) -> Iterator[None]:
    """Record a request, if this process traces; see tracing.py. Texts and audio are never recorded."""
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None:
        yield
        return
    operation = "speech" if worst_case.characters else "transcription" if worst_case.seconds else "chat"
    attributes = {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": worst_case.model,
        "gen_ai.output.type": "speech" if operation == "speech" else "text",
    }
    name = f"{operation} {worst_case.model}"
    with recorded_span(trace, name, trace.SpanKind.CLIENT, attributes) as span:
        try:
            yield
        finally:
            if used := payment.usage:
                span.set_attribute("gen_ai.response.model", used.model)
                span.set_attribute("gen_ai.usage.input_tokens", _tokens(used, "input"))
                span.set_attribute("gen_ai.usage.output_tokens", _tokens(used, "output"))
                if used.request_id:
                    span.set_attribute("gen_ai.response.id", used.request_id)


def _tokens(usage: Usage, direction: str) -> int:
    return sum(count for kind, count in usage.tokens.items() if direction in kind)
