"""Metrics of the configuration: caps on spending, and the last days of models."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily

from ..config.prices import NANO
from .queues import Queues


def budget_metrics(queues: Queues) -> Iterator[GaugeMetricFamily]:
    """Yield what is used of the caps, without those of users, which may be many."""
    used = GaugeMetricFamily(
        "preppath_budget_dollars",
        "US dollars that count against the caps on spending of the scope, in this day or month",
        labels=["scope", "period", "kind"],
    )
    caps = GaugeMetricFamily(
        "preppath_budget_cap_dollars", "Caps on spending", labels=["scope", "period", "cap"]
    )
    for use in queues.caps_in_use(with_users=False):
        for kind in ("spent", "unknown", "reserved"):
            used.add_metric([use.scope, use.period, kind], getattr(use, kind) / NANO)
        for kind in ("hard", "soft"):
            if (cap := getattr(use.cap, kind)) is not None:
                caps.add_metric([use.scope, use.period, kind], cap / NANO)
    yield used
    yield caps


def model_metrics(queues: Queues) -> Iterator[GaugeMetricFamily]:
    """Yield when the configured models are shut down, of those for which it was announced."""
    ends = GaugeMetricFamily(
        "preppath_model_end_timestamp_seconds",
        "When OpenAI shuts the configured model down",
        labels=["queue", "model"],
    )
    for name in queues.by_name:
        if end := queues.model_end(name):
            ends.add_metric([name, end.model], end.at / 1000)
    yield ends
