"""Producers may test with fakeredis, which supports the commands of enqueue, get and cancel."""

from __future__ import annotations

from fakeredis import FakeRedis

from preppath_workers import Queue


def test_enqueue_on_fakeredis_creates_a_job() -> None:
    queue = Queue("tts", FakeRedis())
    added = queue.enqueue({"questionId": "q1", "text": "Why?"}, id="q1", priority=1)
    assert (added.created, queue.enqueue({}, id="q1").created) == (True, False)
    job = queue.get("q1")
    assert job is not None
    assert (job.state, job.data, job.priority) == ("waiting", {"questionId": "q1", "text": "Why?"}, 1)
    assert queue.counts().waiting == 1


def test_cancel_on_fakeredis_cancels() -> None:
    queue = Queue("tts", FakeRedis())
    queue.enqueue({}, id="q1")
    assert queue.cancel("q1") == "cancelled"
