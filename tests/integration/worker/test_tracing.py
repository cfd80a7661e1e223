"""Traces of real workers, sent to a real HTTP server by OpenTelemetry's own exporter."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from redis import Redis

from preppath_workers import Queue
from tests.support.process import ROOT
from tests.support.receiver import receiver
from tests.support.tracing import PARENT, attributes, spans

pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="needs the extra [otel]")

MODULE = """
from preppath_workers import JobContext, job
from preppath_workers.clients.usage import Usage

@job("mail", concurrency=1, retries=0)
def send(context: JobContext, data: dict) -> None:
    with context.payment(Usage("gpt-x", {"input": 50, "output": 100})) as payment:
        payment.charge(Usage("gpt-x-1", {"input": 5, "output": 7}))
    if data.get("fail"):
        raise LookupError("no mailbox at " + data["fail"])
"""


def test_attempt_and_its_paid_request_are_traced_and_linked_to_the_producer(
    tmp_path: Path, redis: Redis, redis_url: str, key_prefix: str
) -> None:
    (tmp_path / "mails.py").write_text(MODULE, encoding="utf-8")
    queue = Queue("mail", redis, key_prefix)
    queue.enqueue({}, id="j", traceparent=PARENT)
    redis.lpush(queue.keys.wait, f'{{"$id": "raw", "$traceparent": "{PARENT}", "fail": "private"}}')
    with receiver() as server:
        environment = {
            **os.environ,
            "REDIS_URL": redis_url,
            "KEY_PREFIX": key_prefix,
            "JOBS": "mails",
            "QUEUES": "mail",
            "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)]),
            "OTEL_EXPORTER_OTLP_ENDPOINT": server.url,
            # Each job ends its worker: what it has not sent yet must not be lost.
            "MAX_JOBS_PER_CHILD": "1",
        }
        command = [str(ROOT / "bin/preppath-workers"), "run", "--burst"]
        done = subprocess.run(command, env=environment, capture_output=True, timeout=50, cwd=tmp_path)
        found = spans(server)
    assert done.returncode == 0, done.stderr

    attempts = {
        attributes(span)["messaging.message.id"]: span for span in found if span.name == "process mail"
    }
    assert attempts.keys() == {"j", "raw"}
    for span in attempts.values():
        assert [link.trace_id.hex() for link in span.links] == [PARENT.split("-")[1]]
        assert span.trace_id.hex() != PARENT.split("-")[1]
    assert attributes(attempts["raw"])["error.type"] == "LookupError"
    assert "private" not in str(found)
    (call,) = [span for span in found if span.parent_span_id == attempts["j"].span_id]
    assert call.name == "chat gpt-x"
    assert attributes(call)["gen_ai.response.model"] == "gpt-x-1"
    assert (
        attributes(call)["gen_ai.usage.input_tokens"],
        attributes(call)["gen_ai.usage.output_tokens"],
    ) == (5, 7)
