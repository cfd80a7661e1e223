"""Spans of jobs that are added over HTTP, sent to a real HTTP server by OpenTelemetry's own exporter."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from preppath_workers import Queue
from tests.support.receiver import receiver
from tests.support.tracing import PARENT, attributes, spans

from .conftest import Serve

pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="needs the extra [otel]")

JOB = {"data": {"questionId": "q1", "text": "x"}}


def test_job_added_over_http_is_traced_as_a_part_of_its_producers_trace(serve: Serve, tts: Queue) -> None:
    with receiver() as server:
        site = serve(OTEL_EXPORTER_OTLP_ENDPOINT=server.url)
        for job_id, headers in (("j", {"traceparent": PARENT}), ("alone", {}), ("odd", {"traceparent": "x"})):
            assert site.post("/api/v1/jobs/tts", {**JOB, "id": job_id}, **headers).status_code == 202
        site.process.terminate()
        assert site.process.wait(30) == 0
        found = spans(server)

    sent = {attributes(span)["messaging.message.id"]: span for span in found if span.name == "send tts"}
    assert sent.keys() == {"j", "alone", "odd"}
    for job_id, span in sent.items():
        job = tts.get(job_id)
        assert job is not None
        assert (job.traceparent or "")[:53] == f"00-{span.trace_id.hex()}-{span.span_id.hex()}-"
    # Newer versions of FastAPI record spans for the request in between.
    parents = {span.span_id.hex(): span.parent_span_id.hex() for span in found}
    trace_id, producer = PARENT.split("-")[1:3]
    above = sent["j"].parent_span_id.hex()
    while above in parents:
        above = parents[above]
    assert (sent["j"].trace_id.hex(), above) == (trace_id, producer)
    assert {sent["alone"].trace_id.hex(), sent["odd"].trace_id.hex()}.isdisjoint({trace_id})


def test_job_added_over_http_without_traces_keeps_the_producers(serve: Serve, tts: Queue) -> None:
    serve().post("/api/v1/jobs/tts", {**JOB, "id": "j"}, traceparent=PARENT)

    job = tts.get("j")
    assert job is not None
    assert job.traceparent == PARENT


PRODUCER = """
import sys
import redis
from preppath_workers import Queue
url, prefix, parent = sys.argv[1:]
queue = Queue("tts", redis.Redis.from_url(url), prefix)
queue.enqueue({}, id="before")

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
with trace.get_tracer("app").start_as_current_span("request") as request:
    queue.enqueue({}, id="inside")
    queue.enqueue({}, id="given", traceparent=parent)
for span in exporter.get_finished_spans():
    made, above = span.context, span.parent
    print(span.name, span.kind.name, span.attributes.get("messaging.message.id"), f"{made.trace_id:032x}",
          f"{made.span_id:016x}", f"{above.span_id:016x}" if above else "-")
"""


def test_producer_that_uses_opentelemetry_records_a_send_span_and_passes_it_on(
    tts: Queue, redis_url: str, key_prefix: str
) -> None:
    command = [sys.executable, "-c", PRODUCER, redis_url, key_prefix, PARENT]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50)
    assert done.returncode == 0, done.stderr
    recorded = {
        words[2]: words for words in map(str.split, done.stdout.replace("send tts", "send").splitlines())
    }
    assert recorded.keys() == {"None", "inside", "given"}
    request = recorded["None"]

    def stored(job_id: str) -> Any:
        job = tts.get(job_id)
        assert job is not None
        return job.traceparent

    assert stored("before") is None
    for job_id, above in (("inside", request[3:5]), ("given", PARENT.split("-")[1:3])):
        name, kind, _, trace_id, span_id, parent = recorded[job_id]
        assert (name, kind, [trace_id, parent]) == ("send", "PRODUCER", above)
        assert stored(job_id)[:53] == f"00-{trace_id}-{span_id}-"


WITHOUT = """
import sys
sys.modules["opentelemetry"] = None  # as if it were not installed
import redis
from preppath_workers import Queue
import preppath_workers.worker.run
url, prefix, parent = sys.argv[1:]
Queue("tts", redis.Redis.from_url(url), prefix).enqueue({}, id="j", traceparent=parent)
print(*(name for name, module in sys.modules.items() if name.startswith("opentelemetry") and module))
"""


def test_without_opentelemetry_nothing_of_it_is_imported_and_jobs_are_added(
    tts: Queue, redis_url: str, key_prefix: str
) -> None:
    command = [sys.executable, "-c", WITHOUT, redis_url, key_prefix, PARENT]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50)

    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
    job = tts.get("j")
    assert job is not None
    assert job.traceparent == PARENT
