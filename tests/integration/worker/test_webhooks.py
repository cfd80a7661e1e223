"""The end of a job becomes one delivery on the queue `webhook`."""

from __future__ import annotations

from pathlib import Path

import pytest
from redis import Redis

from preppath_workers import Queue
from preppath_workers.store.reading.listing import list_jobs as list_jobs
from preppath_workers.worker.maintenance.webhooks import enqueue_deliveries
from tests.support.waiting import eventually

from .conftest import Start

pytestmark = pytest.mark.processes

URL = {"WEBHOOK_URL": "http://127.0.0.1:9/hook"}


@pytest.fixture
def webhook(redis: Redis, key_prefix: str) -> Queue:
    return Queue("webhook", redis, key_prefix)


def test_webhook_of_a_finished_job_carries_its_outcome(launch: Start, alpha: Queue, webhook: Queue) -> None:
    app = launch(**URL).start()
    alpha.enqueue({}, id="good")
    alpha.enqueue({"do": "fail", "how": "invalid"}, id="bad")
    eventually(lambda: webhook.counts().waiting == 2)
    ended = {job_id: alpha.get(job_id).finished_at for job_id in ("good", "bad")}
    good = webhook.get(f"alpha:completed:0:{ended['good']}:good")
    bad = webhook.get(f"alpha:failed:0:{ended['bad']}:bad")
    assert good is not None
    assert good.data == {
        "event": "completed", "queue": "alpha", "jobId": "good", "attempts": 1,
        "at": alpha.get("good").finished_at, "result": {"pid": app.pid_of("good")},
        "reason": None, "cost": None, "error": None,
    }  # fmt: skip
    assert bad is not None
    assert (bad.data["event"], bad.data["reason"], bad.data["result"]) == ("failed", "invalid", None)
    assert bad.data["error"] == {"class": "InvalidJob", "message": "data.x must be a string"}
    eventually(lambda: alpha.events() == [])


def test_webhook_of_a_group_reports_that_all_of_its_jobs_have_ended(
    launch: Start, alpha: Queue, webhook: Queue
) -> None:
    launch(**URL).start()
    alpha.enqueue({}, group="g", group_size=2)
    alpha.enqueue({"do": "fail", "how": "invalid"}, group="g", group_size=2)
    eventually(lambda: webhook.counts().waiting == 3)
    (found,) = (job.data for job in webhook.jobs("waiting") if job.data["event"] == "group-ended")
    counted = {"group": "g", "jobs": 2, "completed": 1, "failed": 1, "cancelled": 0, "expired": 0}
    assert found.items() >= {"queue": "alpha", "jobId": None, **counted}.items()


def test_webhook_of_a_queue_reports_out_of_service_and_back(
    launch: Start, alpha: Queue, webhook: Queue, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    broken.touch()
    launch(**URL).start()
    alpha.enqueue({"do": "need", "absent": str(broken)}, id="j")
    eventually(lambda: webhook.counts().waiting == 1)
    (job,) = webhook.jobs("waiting")
    expected = {"event": "out-of-service", "service": "openai", "reason": "the key is wrong", "jobId": None}
    assert job.data.items() >= expected.items()
    broken.unlink()
    eventually(lambda: {job.data["event"] for job in webhook.jobs("waiting")} >= {"in-service"})


def test_events_without_a_webhook_url_are_not_written(launch: Start, alpha: Queue, webhook: Queue) -> None:
    launch().start()
    alpha.enqueue({}, id="j")
    eventually(lambda: alpha.counts().completed)
    assert alpha.events() == []
    assert webhook.counts().waiting == 0


def test_event_repeated_after_a_crash_is_delivered_once(redis: Redis, alpha: Queue, webhook: Queue) -> None:
    event = '{"id":"j","event":"completed","replays":0,"at":5}'
    for _ in range(2):
        redis.rpush(alpha.keys.events, event)
        assert enqueue_deliveries(alpha, webhook) == 1
    assert webhook.counts().waiting == 1


def test_webhook_of_an_outage_by_an_unknown_error_names_no_service(
    redis: Redis, alpha: Queue, webhook: Queue
) -> None:
    event = '{"event":"out-of-service","service":"","reason":"KeyError: 1","at":5}'
    redis.rpush(alpha.keys.events, event)
    assert enqueue_deliveries(alpha, webhook) == 1
    (job,) = webhook.jobs("waiting")
    assert (job.data["service"], job.data["reason"]) == (None, "KeyError: 1")


def test_webhooks_of_two_caps_that_one_request_reaches_are_both_delivered(
    redis: Redis, alpha: Queue, webhook: Queue
) -> None:
    event = '{"event":"budget-warning","service":"budget","reason":"soft budget of %s","at":5}'
    redis.rpush(alpha.keys.events, *(event % scope for scope in ("all", "user u1", "user u1")))
    assert enqueue_deliveries(alpha, webhook) == 3
    reasons = {job.data["reason"] for job in webhook.jobs("waiting")}
    assert reasons == {"soft budget of all", "soft budget of user u1"}
    assert webhook.counts().waiting == 2


@pytest.mark.parametrize("event", ["nonsense", "[]", "{}", '{"id":"j","event":"completed"}'])
def test_event_that_is_malformed_is_dropped(redis: Redis, alpha: Queue, webhook: Queue, event: str) -> None:
    redis.rpush(alpha.keys.events, event)
    assert enqueue_deliveries(alpha, webhook) == 1
    assert alpha.events() == []


def test_webhook_of_a_job_with_the_largest_id_and_result_omits_the_result(
    redis: Redis, alpha: Queue, webhook: Queue
) -> None:
    job_id = "x" * 128
    alpha.enqueue({}, id=job_id)
    redis.hset(alpha.keys.job(job_id), mapping={"state": "completed", "result": f'"{"y" * 1_000_000}"'})
    redis.rpush(alpha.keys.events, f'{{"id":"{job_id}","event":"completed","replays":0,"at":5}}')
    assert enqueue_deliveries(alpha, webhook) == 1
    (entry,) = redis.lrange(webhook.keys.wait, 0, -1)
    delivery = webhook.get(entry)
    assert delivery is not None
    assert (delivery.data["jobId"], delivery.data["result"]) == (job_id, None)
