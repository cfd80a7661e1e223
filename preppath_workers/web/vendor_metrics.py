"""Metrics of paid requests, from the ledger's sums."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily

from ..config.prices import NANO
from ..log.escaping import escaped
from ..queue import Queue
from ..store.reading.spending import by_model


class VendorMetrics:
    """Counters by queue and model."""

    def __init__(self) -> None:
        def counter(name: str, help_text: str, *labels: str) -> CounterMetricFamily:
            return CounterMetricFamily(
                f"preppath_vendor_{name}", help_text, labels=["queue", "model", *labels]
            )

        self._calls = counter("calls", "Paid requests, by whether their cost is known", "cost")
        self._tokens = counter("tokens", "Tokens of paid requests", "kind")
        self._seconds = counter("audio_seconds", "Audio of paid requests")
        self._dollars = counter(
            "cost_dollars", "US dollars of paid requests; unknown: the most that they can be", "cost"
        )

    def add(self, name: str, queue: Queue) -> None:
        """Add what a queue has spent since the beginning."""
        for served, spending in by_model(queue).items():
            model = escaped(served)
            priced = spending.calls - spending.unpriced
            self._calls.add_metric([name, model, "known"], priced)
            self._calls.add_metric([name, model, "unpriced"], spending.unpriced)
            self._calls.add_metric([name, model, "unknown"], spending.unknown_calls)
            for kind, count in spending.tokens.items():
                self._tokens.add_metric([name, model, escaped(kind)], count)
            if spending.seconds:
                self._seconds.add_metric([name, model], spending.seconds)
            self._dollars.add_metric([name, model, "known"], spending.nano / NANO)
            self._dollars.add_metric([name, model, "unknown"], spending.unknown / NANO)

    def families(self) -> Iterable[CounterMetricFamily]:
        """Return the metrics."""
        return (self._calls, self._tokens, self._seconds, self._dollars)
