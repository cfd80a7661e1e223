"""What `/metrics` says of the queues."""

from __future__ import annotations

from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from preppath_workers import Queue

from .conftest import Site


def samples(site: Site) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    response = site.get("/metrics")
    assert response.headers["Content-Type"].startswith("text/plain; version=")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


def test_metrics_show_the_queue_as_it_is(site: Site, tts: Queue, redis: Any) -> None:
    def value(name: str, **labels: str) -> float:
        return found["preppath_" + name, frozenset({"queue": "tts", **labels}.items())]

    tts.enqueue({}, id="old")
    tts.enqueue({}, id="later", delay=60)
    redis.hset(tts.keys.job("old"), "createdAt", tts.now() - 90_000)
    redis.hset(tts.keys.stats, mapping={"completed": 7, "retried": 3, "recovered": 2})
    tts.pause()
    found = samples(site)

    assert value("queue_jobs", state="waiting") == 1
    assert value("queue_jobs", state="delayed") == 1
    assert 90 <= value("queue_oldest_waiting_seconds") < 120
    assert value("queue_paused") == 1
    assert value("queue_out_of_service", service="") == 0
    assert value("jobs_total", outcome="completed") == 7
    assert value("job_retries_total") == 3
    assert value("job_recoveries_total") == 2
    assert value("instances") == 0
