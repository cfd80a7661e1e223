"""What a producer records for traces."""

from __future__ import annotations

import sys

import pytest

from preppath_workers.queue.tracing import producer_span


@pytest.mark.parametrize("is_installed", [True, False])
def test_producer_span_without_a_tracer_provider_records_nothing(
    monkeypatch: pytest.MonkeyPatch, is_installed: bool
) -> None:
    if is_installed:
        pytest.importorskip("opentelemetry.trace", reason="needs the extra [otel]")
    else:
        monkeypatch.delitem(sys.modules, "opentelemetry.trace", raising=False)

    with producer_span("tts", "a") as traceparent:
        assert traceparent is None
    with producer_span("tts", "a", "given") as traceparent:
        assert traceparent == "given"
