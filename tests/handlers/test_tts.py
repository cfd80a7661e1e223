from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
import requests

from preppath_workers.clients.services import Services
from preppath_workers.dev.openai.control import OpenAIServer
from preppath_workers.errors import PermanentError, TransientError
from preppath_workers.handlers.tts import handle

from .conftest import FakeAttempt, Tables

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PATH = "/v1/audio/speech"
LONG_AGO = datetime(2020, 1, 1)  # noqa: DTZ001 - the database's times have no zone


@pytest.fixture
def attempt(tables: Tables) -> FakeAttempt:
    tables.insert(
        "interview_questions", id="q1", interviewId="i1", question="Why queues?", updatedAt=LONG_AGO
    )
    return FakeAttempt({"questionId": "q1", "text": "Why queues?"})


def test_a_question_is_spoken(
    attempt: FakeAttempt,
    services: Services,
    tables: Tables,
    vendor: OpenAIServer,
    s3: S3Client,
    bucket: str,
) -> None:
    result = handle(attempt, services)

    stored = s3.get_object(Bucket=bucket, Key="tts/q1.mp3")
    audio = stored["Body"].read()
    assert stored["ContentType"] == "audio/mpeg"
    assert result == {"questionId": "q1", "key": "tts/q1.mp3", "url": result["url"], "bytes": len(audio)}
    assert requests.get(result["url"], timeout=5).content == audio
    assert "X-Amz-Expires=604800" in result["url"]

    row = tables.row("interview_questions")
    assert (row["audioUrl"], row["ttsGenerated"]) == (result["url"], True)
    assert row["updatedAt"] > LONG_AGO
    assert len(vendor.calls(PATH)) == 1
    assert attempt.told == sorted(attempt.told)


def test_a_question_that_does_not_exist_costs_nothing(services: Services, vendor: OpenAIServer) -> None:
    with pytest.raises(PermanentError, match="no question 'q9'"):
        handle(FakeAttempt({"questionId": "q9", "text": "Why?"}), services)
    assert vendor.calls() == []


def test_a_failed_request_stores_nothing(
    attempt: FakeAttempt,
    services: Services,
    tables: Tables,
    vendor: OpenAIServer,
    s3: S3Client,
    bucket: str,
) -> None:
    before = tables.row("interview_questions")
    vendor.order({"path": PATH, "status": 503})

    with pytest.raises(TransientError):
        handle(attempt, services)

    assert tables.row("interview_questions") == before
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_another_attempt_replaces_what_the_last_one_left(
    attempt: FakeAttempt,
    services: Services,
    tables: Tables,
    breaks: Callable[[str], None],
    s3: S3Client,
    bucket: str,
) -> None:
    breaks("interview_questions")
    with pytest.raises(TransientError):
        handle(attempt, services)
    tables.run("DROP TRIGGER refuse ON interview_questions")

    handle(attempt, services)

    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1
    assert tables.row("interview_questions")["ttsGenerated"] is True
