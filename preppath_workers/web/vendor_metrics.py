"""Metrics of paid requests, from the ledger's sums."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from ..config.prices import NANO
from ..log.escaping import escaped
from ..queue import Queue
from ..store.reading.spending import by_model


class VendorMetrics:
    """Counters by queue and model, and gauges of what is unknown: such a cost may become known."""

    def __init__(self) -> None:
        def counter(name: str, help_text: str, *labels: str) -> CounterMetricFamily:
            return CounterMetricFamily(
                f"preppath_vendor_{name}", help_text, labels=["queue", "model", *labels]
            )

        def gauge(name: str, help_text: str) -> GaugeMetricFamily:
            return GaugeMetricFamily(f"preppath_vendor_{name}", help_text, labels=["queue", "model"])

        self._calls = counter("calls", "Paid requests of known cost, and those without a price", "cost")
        self._tokens = counter("tokens", "Tokens of paid requests", "kind")
        self._seconds = counter("audio_seconds", "Audio of paid requests")
        self._dollars = counter("cost_dollars", "US dollars of paid requests of known cost")
        self._unknown_calls = gauge("unknown_calls", "Paid requests whose cost is unknown")
        self._unknown_dollars = gauge("unknown_dollars", "The most that those requests can have cost")

    def add(self, name: str, queue: Queue) -> None:
        """Add what a queue has spent since the beginning."""
        for served, spending in by_model(queue).items():
            model = escaped(served)
            priced = spending.calls - spending.unpriced
            self._calls.add_metric([name, model, "known"], priced)
            self._calls.add_metric([name, model, "unpriced"], spending.unpriced)
            for kind, count in spending.tokens.items():
                self._tokens.add_metric([name, model, escaped(kind)], count)
            if spending.seconds:
                self._seconds.add_metric([name, model], spending.seconds)
            self._dollars.add_metric([name, model], spending.nano / NANO)
            self._unknown_calls.add_metric([name, model], spending.unknown_calls)
            self._unknown_dollars.add_metric([name, model], spending.unknown / NANO)

    def families(self) -> Iterable[Metric]:
        """Return the metrics."""
        counters = (self._calls, self._tokens, self._seconds, self._dollars)
        return (*counters, self._unknown_calls, self._unknown_dollars)
