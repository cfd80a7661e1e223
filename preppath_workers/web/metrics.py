"""Metrics in Prometheus's text format, read from Redis at each scrape.

So they are right for all machines and survive restarts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from .. import __version__
from ..log.escaping import escaped
from ..queue import Queue
from ..store.job import ENDED_STATES, Job
from ..store.reading.limits import limit_in_force
from ..store.reading.listing import held_slots
from ..store.reading.oldest import oldest_waiting_ms
from ..store.values import text
from .configured_metrics import budget_metrics, model_metrics
from .queues import Queues
from .vendor_metrics import VendorMetrics


class QueueCollector(Collector):
    """Reads the queues at each scrape."""

    def __init__(self, queues: Queues) -> None:
        self._queues = queues

    def describe(self) -> Iterable[Metric]:
        """Return no metrics: they are known once Redis was asked, which registering must not do."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics. Raises redis.RedisError."""
        build = GaugeMetricFamily("preppath_build_info", "The version that runs", labels=["version"])
        build.add_metric([__version__], 1)
        yield build
        state, work, vendors = _State(), _Work(), VendorMetrics()
        for name, queue in self._queues.by_name.items():
            state.add(name, queue)
            work.add(name, queue)
            vendors.add(name, queue)
        for metrics in (state, work):
            yield from vars(metrics).values()
        yield from vendors.families()
        yield from budget_metrics(self._queues)
        yield from model_metrics(self._queues)


class _State:
    """What a queue is like now."""

    def __init__(self) -> None:
        def gauge(name: str, help_text: str, *labels: str) -> GaugeMetricFamily:
            return GaugeMetricFamily(f"preppath_{name}", help_text, labels=["queue", *labels])

        self.jobs = gauge("queue_jobs", "Jobs by state", "state")
        self.oldest = gauge("queue_oldest_waiting_seconds", "How long the oldest waiting job has waited")
        self.paused = gauge("queue_paused", "1 if the queue is paused by hand")
        self.held = gauge("queue_held_seconds", "Seconds until a hold by a rate limit or a spent budget ends")
        self.out = gauge(
            "queue_out_of_service", "1 if a service is away that the queue's jobs need", "service"
        )
        self.limit = gauge(
            "rate_limit_starts", "Starts that the rate limit allows in its duration; 0: no limit"
        )
        self.duration = gauge("rate_limit_duration_seconds", "The rate limit's duration")
        self.used = gauge("rate_limit_starts_used", "Starts within the last duration")
        self.workers = gauge("workers", "Workers of live instances by what they do", "state")
        self.instances = gauge("instances", "Live instances")
        self.dead_age = gauge("dead_letter_oldest_seconds", "Age of the oldest dead letter")

    def add(self, name: str, queue: Queue) -> None:
        counts, gate, now = queue.counts(), queue.gate(), queue.now()
        for state in ("waiting", "active", "delayed", "failed", "completed"):
            self.jobs.add_metric([name, state], getattr(counts, state))
        self.oldest.add_metric([name], (oldest_waiting_ms(queue) or 0) / 1000)
        self.dead_age.add_metric([name], _age(_oldest_dead(queue), now))
        self.paused.add_metric([name], int(gate.paused))
        self.held.add_metric([name], gate.held_ms / 1000)
        self.out.add_metric([name, gate.service or ""], int(gate.out_of_service))
        live = [slot for slot in held_slots(queue) if slot.lease_ms > 0]
        busy = sum(bool(slot.job_ids) for slot in live)
        self.workers.add_metric([name, "busy"], busy)
        self.workers.add_metric([name, "idle"], len(live) - busy)
        self.instances.add_metric([name], len({slot.worker_id.rpartition(":")[0] for slot in live}))
        agreed = limit_in_force(queue)
        limit = agreed.newest.limit if agreed else None
        duration = limit.duration if limit else 0.0
        self.limit.add_metric([name], limit.max if limit else 0)
        self.duration.add_metric([name], duration)
        used = queue.redis.zcount(queue.keys.tokens, now - duration * 1000, "+inf") if limit else 0
        self.used.add_metric([name], used)


class _Work:
    """What has happened since a queue's first job."""

    def __init__(self) -> None:
        def counter(name: str, help_text: str, *labels: str) -> CounterMetricFamily:
            return CounterMetricFamily(f"preppath_{name}", help_text, labels=["queue", *labels])

        def histogram(name: str, help_text: str) -> HistogramMetricFamily:
            return HistogramMetricFamily(f"preppath_{name}", help_text, labels=["queue", "outcome"])

        self.ended = counter("jobs", "Jobs that ended, by outcome", "outcome")
        self.enqueued = counter("jobs_enqueued", "Jobs that were added")
        self.retries = counter(
            "job_retries",
            "Retries by the class of the error, and whether the failure counts against the job",
            *("class", "counted"),
        )
        self.dead = counter(
            "dead_letters", "Dead letters by reason and class of the error", "reason", "class"
        )
        self.recoveries = counter(
            "job_recoveries", "Jobs that run again because their worker, or its whole instance, died", "cause"
        )
        self.releases = counter(
            "job_releases", "Starts that ended uncounted: a shutdown, a vendor's rate limit, a snooze"
        )
        self.wait = histogram(
            "job_wait_seconds", "How long attempts waited in the queue, counted at their end"
        )
        self.run = histogram("job_run_seconds", "How long attempts ran")

    def add(self, name: str, queue: Queue) -> None:
        statistics = queue.statistics()
        for outcome in ENDED_STATES:
            self.ended.add_metric([name, outcome], statistics.get(outcome, 0))
        self.enqueued.add_metric([name], statistics.get("enqueued", 0))
        lost = statistics.get("instanceLost", 0)
        self.recoveries.add_metric([name, "worker-died"], statistics.get("recovered", 0) - lost)
        self.recoveries.add_metric([name, "instance-lost"], lost)
        self.releases.add_metric([name], statistics.get("released", 0))
        for (what, raw_reason, raw_class), count in queue.causes().items():
            reason, error_class = escaped(raw_reason), escaped(raw_class)
            if what == "dead":
                self.dead.add_metric([name, reason, error_class], count)
            else:
                counted = "yes" if what == "retried" else "no"
                self.retries.add_metric([name, error_class, counted], count)
        for outcome, durations in queue.durations().items():
            for family, histogram in ((self.wait, durations.wait), (self.run, durations.run)):
                family.add_metric([name, outcome], histogram.cumulative(), histogram.total)


def _oldest_dead(queue: Queue) -> Job | None:
    entry = queue.redis.lindex(queue.keys.dead, -1)
    return queue.get(text(entry)) if entry is not None else None


def _age(job: Job | None, now: int) -> float:
    return max(0, now - (job.finished_at or now)) / 1000 if job else 0.0
