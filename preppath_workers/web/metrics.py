"""Metrics in Prometheus's text format, read from Redis at each scrape.

So they are right for all machines and survive restarts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from .. import __version__
from ..queue import Queue
from ..store.job import Job, text
from ..store.listing import held_slots
from .queues import Queues
from .vendor_metrics import VendorMetrics

#: Counters of `stats` that are outcomes of jobs.
_OUTCOMES = ("completed", "failed", "cancelled", "expired")

Family = GaugeMetricFamily | CounterMetricFamily


class QueueCollector(Collector):
    """Reads the queues at each scrape."""

    def __init__(self, queues: Queues) -> None:
        self._queues = queues

    def describe(self) -> Iterable[Family]:
        """Return no metrics: they are known once Redis was asked, which registering must not do."""
        return []

    def collect(self) -> Iterator[Family]:
        """Yield the metrics. Raises redis.RedisError."""
        build = GaugeMetricFamily("preppath_build_info", "The version that runs", labels=["version"])
        build.add_metric([__version__], 1)
        yield build
        gauges, vendor = _Gauges(), VendorMetrics()
        for name, queue in self._queues.by_name.items():
            gauges.add(name, queue)
            vendor.add(name, queue)
        yield from gauges.families()
        yield from vendor.families()


class _Gauges:
    def __init__(self) -> None:
        def gauge(name: str, help_text: str, *labels: str) -> GaugeMetricFamily:
            return GaugeMetricFamily(f"preppath_{name}", help_text, labels=["queue", *labels])

        def counter(name: str, help_text: str, *labels: str) -> CounterMetricFamily:
            return CounterMetricFamily(f"preppath_{name}", help_text, labels=["queue", *labels])

        self.jobs = gauge("queue_jobs", "Jobs by state", "state")
        self.oldest = gauge(
            "queue_oldest_waiting_seconds", "How long the job has waited that is next to start"
        )
        self.paused = gauge("queue_paused", "1 if the queue is paused by hand")
        self.held = gauge("queue_held_seconds", "Seconds until the queue is held no more by a rate limit")
        self.out = gauge(
            "queue_out_of_service", "1 if a service is away that the queue's jobs need", "service"
        )
        self.workers = gauge("workers", "Workers of live instances by what they do", "state")
        self.instances = gauge("instances", "Live instances")
        self.dead_age = gauge("dead_letter_oldest_seconds", "Age of the oldest dead letter")
        self.ended = counter("jobs", "Jobs that ended, by outcome", "outcome")
        self.enqueued = counter("jobs_enqueued", "Jobs that were added")
        self.retries = counter("job_retries", "Retries after failures")
        self.recoveries = counter("job_recoveries", "Jobs whose worker died")

    def add(self, name: str, queue: Queue) -> None:
        counts, gate, now = queue.counts(), queue.gate(), queue.now()
        for state in ("waiting", "active", "delayed", "failed", "completed"):
            self.jobs.add_metric([name, state], getattr(counts, state))
        self.oldest.add_metric([name], _age(_last(queue, queue.keys.wait), now, "queued_at", "created_at"))
        self.dead_age.add_metric([name], _age(_last(queue, queue.keys.dead), now, "finished_at"))
        self.paused.add_metric([name], int(gate.paused))
        self.held.add_metric([name], gate.held_ms / 1000)
        self.out.add_metric([name, gate.service or ""], int(gate.out_of_service))
        live = [slot for slot in held_slots(queue) if slot.lease_ms > 0]
        busy = sum(bool(slot.job_ids) for slot in live)
        self.workers.add_metric([name, "busy"], busy)
        self.workers.add_metric([name, "idle"], counts.workers - busy)
        self.instances.add_metric([name], len({slot.worker_id.rpartition(":")[0] for slot in live}))
        statistics = queue.statistics()
        for outcome in _OUTCOMES:
            self.ended.add_metric([name, outcome], statistics.get(outcome, 0))
        self.enqueued.add_metric([name], statistics.get("enqueued", 0))
        self.retries.add_metric([name], statistics.get("retried", 0))
        self.recoveries.add_metric([name], statistics.get("recovered", 0))

    def families(self) -> Iterable[Family]:
        return vars(self).values()


def _last(queue: Queue, key: str) -> Job | None:
    """Return the job at the right end of a list: next to start, or dead for the longest time."""
    entry = queue.redis.lindex(key, -1)
    return queue.get(text(entry)) if entry is not None else None


def _age(job: Job | None, now: int, *since: str) -> float:
    times = [getattr(job, name) for name in since] if job else []
    return max(0, now - next((time for time in times if time), now)) / 1000
