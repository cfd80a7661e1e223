"""The job webhook, with a receiver over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from preppath_workers.clients.services import Services
from preppath_workers.config.load import load
from preppath_workers.errors import InvalidJob, JobLost, PermanentError, ServiceError
from preppath_workers.jobs.webhook import handle
from preppath_workers.testing import FakeContext
from tests.support.minimal_env import MINIMAL_ENV
from tests.support.receiver import Receiver, receiver

COMPLETED = {
    "event": "completed",
    "queue": "tts",
    "jobId": "q1-v1",
    "at": 1_795_435_200_123,
    "attempts": 2,
    "result": {"questionId": "q1", "duration": 2.5},
    "reason": None,
    "error": None,
}
FAILED = {
    **COMPLETED,
    "event": "failed",
    "result": None,
    "reason": "permanent",
    "error": {"class": "PermanentError", "message": "question 'Zoë 😀' does not exist"},
}
OUTAGE: dict[str, Any] = {
    "event": "out-of-service",
    "queue": "tts",
    "jobId": None,
    "at": 1_795_435_200_123,
    "service": "openai",
    "reason": "OpenAI answered 401",
}
BUG = {**OUTAGE, "service": None, "reason": "KeyError: '\0'"}
BACK = {**OUTAGE, "event": "in-service"}
SPENT = {**OUTAGE, "event": "budget-spent", "service": "budget", "reason": "budget of all is spent"}
WARNING = {**SPENT, "event": "budget-warning"}
EXPIRED = {**COMPLETED, "event": "expired", "attempts": 0, "result": None}
GROUP = {
    "event": "group-ended",
    "queue": "evaluation",
    "jobId": None,
    "at": 1_795_435_200_123,
    "group": "interview-7",
    "jobs": 5,
    "completed": 4,
    "failed": 1,
    "cancelled": 0,
    "expired": 0,
}


@pytest.fixture
def api() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


def services(url: str = "") -> Services:
    """Services whose webhook receiver alone is running."""
    return Services(load({**MINIMAL_ENV, "WEBHOOK_URL": url}, []))


@pytest.mark.parametrize(
    "data",
    [COMPLETED, FAILED, EXPIRED, GROUP, OUTAGE, BUG, BACK, SPENT, WARNING],
    ids=lambda data: data["event"],
)
def test_webhook_job_delivers_the_outcome(api: Receiver, data: dict[str, Any]) -> None:
    context = FakeContext(data, "d1")

    assert handle(context, services(api.url)) == {"status": 204}

    [request] = api.received
    assert json.loads(request.body) == {**data, "at": "2026-11-23T12:00:00.123Z", "deliveryId": "d1"}
    assert request.headers["PrepPath-Delivery"] == "d1"


def test_webhook_job_on_each_attempt_sends_the_same_delivery_id(api: Receiver) -> None:
    context = FakeContext(COMPLETED, "d1")
    api.status = 500
    with pytest.raises(ServiceError):
        handle(context, services(api.url))
    api.status = 200

    assert handle(context.again(), services(api.url)) == {"status": 200}
    assert {request.headers["PrepPath-Delivery"] for request in api.received} == {"d1"}
    assert {json.loads(request.body)["deliveryId"] for request in api.received} == {"d1"}


def test_webhook_job_of_a_deleted_job_sends_null(api: Receiver) -> None:
    unknown = {**COMPLETED, "attempts": None, "result": None}
    handle(FakeContext(unknown), services(api.url))
    assert json.loads(api.received[0].body).items() >= {"attempts": None, "result": None}.items()


def test_webhook_job_with_a_lone_surrogate_sends_its_json_escape(api: Receiver) -> None:
    handle(FakeContext({**COMPLETED, "result": {"text": "half \ud83d"}}), services(api.url))
    assert rb'"half \ud83d"' in api.received[0].body


def test_webhook_of_an_own_job_delivers_any_result(api: Receiver) -> None:
    handle(FakeContext({**COMPLETED, "result": [1, "two"]}), services(api.url))
    assert json.loads(api.received[0].body)["result"] == [1, "two"]


def test_webhook_job_that_was_lost_sends_nothing(api: Receiver) -> None:
    with pytest.raises(JobLost):
        handle(FakeContext(COMPLETED, lost=True), services(api.url))
    assert api.received == []


def test_webhook_job_without_a_url_is_a_permanent_error() -> None:
    with pytest.raises(PermanentError, match="WEBHOOK_URL is not set"):
        handle(FakeContext(COMPLETED), services())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"event": "started"},
            "event must be one of completed, failed, cancelled, expired, group-ended, out-of-service",
        ),
        ({"at": None}, "at is missing"),
        ({"at": "2026-11-23"}, "at must be a number, not str"),
        ({"at": -1}, "at must be from 0 to"),
        ({"at": 253_402_300_800_000}, "at must be from 0 to"),
        ({"at": 1.5}, "at must be a whole number"),
        ({"attempts": "2"}, "attempts must be a number, not str"),
        ({"attempts": 1.5}, "attempts must be a whole number"),
        ({"event": "group-ended"}, "group is missing"),
        ({"event": "group-ended", "group": "g", "jobs": "2"}, "jobs must be a number, not str"),
        ({"result": {"duration": float("nan")}}, "the data must not contain NaN or Infinity"),
        ({"reason": 7}, "reason must be text, not int"),
        ({"error": "boom"}, "error must be an object or null"),
    ],
    ids=str,
)
def test_webhook_job_with_invalid_data_sends_nothing(
    api: Receiver, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidJob) as caught:
        handle(FakeContext({**COMPLETED, **changes}), services(api.url))

    assert str(caught.value).startswith(message)
    assert api.received == []
