"""Failed attempts are reported to an error tracker: to a real HTTP server that Sentry's own SDK talks to."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

from redis import Redis

from preppath_workers import Queue
from tests.support.process import ROOT
from tests.support.receiver import Receiver, receiver
from tests.support.waiting import eventually

from .harness import App

MODULE = """
from preppath_workers import JobContext, PermanentError, job

@job("mail", concurrency=1, retries=0)
def send(context: JobContext, data: dict) -> None:
    if data["how"] == "snooze" and context.attempt == 1 and not seen:
        seen.append(1)
        context.snooze(0.1)
    if data["how"] == "fail":
        raise LookupError("no mailbox at " + data["secret"])
    if data["how"] == "unreadable":
        raise Unreadable("no mailbox")

class Unreadable(PermanentError):
    def __str__(self):
        raise SystemExit(3)

seen = []
"""


def events(server: Receiver) -> list[dict[str, Any]]:
    found = []
    for received in server.received:
        body = gzip.decompress(received.body) if received.body[:2] == b"\x1f\x8b" else received.body
        lines = body.splitlines()
        found += [
            json.loads(item)
            for header, item in zip(lines[1::2], lines[2::2], strict=False)
            if json.loads(header).get("type") == "event"
        ]
    return found


def test_failed_attempt_is_reported_by_queue_and_class_without_data_and_secrets(
    tmp_path: Path, redis: Redis, redis_url: str, key_prefix: str
) -> None:
    (tmp_path / "mails.py").write_text(MODULE, encoding="utf-8")
    queue = Queue("mail", redis, key_prefix)
    queue.enqueue({"how": "fail", "answer": "private", "secret": "sk-sesame-word"}, id="j")
    queue.enqueue({"how": "snooze"})
    # It became a SystemExit, which counts against a job even if a service had failed.
    unreadable = queue.enqueue({"how": "unreadable"})
    queue.enqueue({"how": "well"})
    with receiver() as server:
        environment = {
            **os.environ,
            "REDIS_URL": redis_url,
            "OPENAI_API_KEY": "sk-sesame-word",
            "KEY_PREFIX": key_prefix,
            "SENTRY_DSN": server.url.replace("http://", "http://publickey@") + "/1",
            "SENTRY_ENVIRONMENT": "tests",
        }
        subprocess.run(
            [str(ROOT / "bin/preppath-workers"), "run", "mails", "--burst"],
            cwd=tmp_path, env=environment, timeout=40, check=True, capture_output=True,
        )  # fmt: skip
        [event] = events(server)
    assert unreadable.status().reason == "permanent"
    assert event["fingerprint"] == ["mail", "LookupError"]
    assert {name: str(value) for name, value in event["tags"].items()} == {
        "queue": "mail", "jobId": "j", "attempt": "1",
    }  # fmt: skip
    assert event["environment"] == "tests"
    assert event["exception"]["values"][0]["type"] == "LookupError"
    text = json.dumps(event)
    assert "private" not in text
    assert "sesame-word" not in text


def test_secrets_of_a_reloaded_configuration_are_redacted_in_reports(
    tmp_path: Path, redis: Redis, redis_url: str, key_prefix: str
) -> None:
    (tmp_path / "mails.py").write_text(MODULE, encoding="utf-8")
    file = tmp_path / "env"
    file.write_text("OPENAI_API_KEY=sk-first-word\n", encoding="utf-8")
    queue = Queue("mail", redis, key_prefix)
    with receiver() as server:
        environment = {
            "PYTHONPATH": str(tmp_path),
            "REDIS_URL": redis_url,
            "KEY_PREFIX": key_prefix,
            "LOG_FORMAT": "json",
            "LOG_LEVEL": "debug",
            "SENTRY_DSN": server.url.replace("http://", "http://publickey@") + "/1",
        }
        words = ("run", "mails", "--config", str(file))
        app = App(tmp_path, environment, module="preppath_workers", arguments=words).start()
        try:
            file.write_text("OPENAI_API_KEY=sk-second-word\n", encoding="utf-8")
            first = app.workers()
            app.send(signal.SIGHUP)
            eventually(lambda: app.workers() != first)
            queue.enqueue({"how": "fail", "secret": "sk-second-word"})
            text = json.dumps(eventually(lambda: events(server)))
        finally:
            app.kill()
    assert "no mailbox at" in text
    assert "second-word" not in text
