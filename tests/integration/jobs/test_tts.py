"""Text to speech with /v1/audio/speech."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests

from preppath_workers.clients.openai.models import MAX_SPEECH_INPUT
from preppath_workers.clients.services import Services
from preppath_workers.errors import InvalidJob, JobLost, PermanentError, ServiceError, TransientError
from preppath_workers.jobs.tts import handle
from tests.fake_openai.control import OpenAIServer

from .conftest import FakeJobContext, Tables

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PATH = "/v1/audio/speech"
LONG_AGO = datetime(2020, 1, 1)  # noqa: DTZ001 - the database's times have no zone
MODEL = {"OPENAI_TTS_MODEL": "gpt-4o-mini-tts"}


@pytest.fixture
def services(make_services: Callable[..., Services]) -> Services:
    return make_services(**MODEL)


@pytest.fixture
def context(tables: Tables) -> FakeJobContext:
    tables.insert(
        "interview_questions", id="q1", interviewId="i1", question="Why queues?", updatedAt=LONG_AGO
    )
    return FakeJobContext({"questionId": "q1", "text": "Why queues?"})


def test_a_question_is_spoken(
    context: FakeJobContext,
    services: Services,
    tables: Tables,
    vendor: OpenAIServer,
    s3: S3Client,
    bucket: str,
) -> None:
    result = handle(context, services)

    stored = s3.get_object(Bucket=bucket, Key="tts/q1.mp3")
    audio = stored["Body"].read()
    assert stored["ContentType"] == "audio/mpeg"
    assert result == {
        "questionId": "q1", "key": "tts/q1.mp3", "url": result["url"], "bytes": len(audio),
        "duration": result["duration"], "cached": False, "parts": 1, "retries": 0, "usage": None,
    }  # fmt: skip
    assert 0.5 < result["duration"] < 5
    assert requests.get(result["url"], timeout=5).content == audio
    assert "X-Amz-Expires=604800" in result["url"]

    row = tables.row("interview_questions")
    assert (row["audioUrl"], row["ttsGenerated"]) == (result["url"], True)
    assert row["audioDuration"] == result["duration"]
    assert row["updatedAt"] > LONG_AGO
    assert len(vendor.calls(PATH)) == 1
    assert context.told == sorted(context.told)


def test_a_question_that_does_not_exist_costs_nothing(services: Services, vendor: OpenAIServer) -> None:
    with pytest.raises(PermanentError, match="no question 'q9'"):
        handle(FakeJobContext({"questionId": "q9", "text": "Why?"}), services)
    assert vendor.calls() == []


def test_a_failed_request_stores_nothing(
    context: FakeJobContext,
    services: Services,
    tables: Tables,
    vendor: OpenAIServer,
    s3: S3Client,
    bucket: str,
) -> None:
    before = tables.row("interview_questions")
    vendor.order({"path": PATH, "status": 503})

    with pytest.raises(ServiceError):
        handle(context, services)

    assert tables.row("interview_questions") == before
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_speech_that_is_there_already_is_not_paid_for_again(
    context: FakeJobContext, services: Services, tables: Tables, vendor: OpenAIServer
) -> None:
    first = handle(context, services)
    tables.run('UPDATE interview_questions SET "audioUrl" = NULL, "audioDuration" = NULL')

    second = handle(context.again(), services)

    assert second == {**first, "url": second["url"], "cached": True}
    assert requests.get(second["url"], timeout=5).ok
    row = tables.row("interview_questions")
    assert (row["audioUrl"], row["audioDuration"]) == (second["url"], first["duration"])
    assert len(vendor.calls(PATH)) == 1


@pytest.mark.parametrize(
    "change",
    [{"text": "Why lists?"}, {"voice": "nova"}, {"speed": 1.5}, {"instructions": "Whisper."}],
    ids=str,
)
def test_speech_that_is_asked_for_differently_is_spoken_anew(
    context: FakeJobContext, services: Services, vendor: OpenAIServer, change: dict[str, Any]
) -> None:
    handle(context, services)

    assert handle(FakeJobContext({**context.data, **change}, id="job-2"), services)["cached"] is False

    call = vendor.calls(PATH)[1]["body"]
    [(name, value)] = change.items()
    assert call["input" if name == "text" else name] == value


def test_another_model_speaks_anew(
    context: FakeJobContext, make_services: Callable[..., Services], vendor: OpenAIServer
) -> None:
    handle(context, make_services(**MODEL))

    assert handle(context.again(), make_services(OPENAI_TTS_MODEL="tts-1"))["cached"] is False
    assert [call["model"] for call in vendor.calls(PATH)] == ["gpt-4o-mini-tts", "tts-1"]


def test_a_voice_that_openai_does_not_have_is_refused_and_other_vendors_have_others(
    context: FakeJobContext, make_services: Callable[..., Services], vendor: OpenAIServer
) -> None:
    context.data["voice"] = "af_heart"

    with pytest.raises(InvalidJob, match="voice must be one of alloy, ash"):
        handle(context, make_services(**MODEL, OPENAI_TTS_BASE_URL="https://api.openai.com/v1"))
    assert vendor.calls() == []

    with pytest.raises(PermanentError, match="invalid_value"):  # says the vendor, who might have had it
        handle(context, make_services(**MODEL))
    assert vendor.calls(PATH)[0]["body"]["voice"] == "af_heart"


def test_configured_voice_that_the_model_lacks_is_not_charged_to_the_job(
    context: FakeJobContext, make_services: Callable[..., Services]
) -> None:
    with pytest.raises(ServiceError, match=r"setting voice: .* invalid_value") as caught:
        handle(context, make_services(OPENAI_TTS_MODEL="tts-1", OPENAI_TTS_VOICE="marin"))

    assert caught.value.refuses_all


def test_a_failure_after_the_speech_is_stored_pays_for_nothing_again(
    context: FakeJobContext,
    services: Services,
    tables: Tables,
    vendor: OpenAIServer,
    breaks: Callable[[str], None],
    s3: S3Client,
    bucket: str,
) -> None:
    breaks("interview_questions")
    with pytest.raises(TransientError):
        handle(context, services)
    tables.run("DROP TRIGGER refuse ON interview_questions")

    assert handle(context.again(), services)["cached"] is True

    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1
    assert tables.row("interview_questions")["ttsGenerated"] is True
    assert len(vendor.calls(PATH)) == 1


def test_a_job_that_was_lost_changes_nothing(
    context: FakeJobContext, services: Services, tables: Tables
) -> None:
    before, context.lost = tables.row("interview_questions"), True

    with pytest.raises(JobLost):
        handle(context, services)

    assert tables.row("interview_questions") == before


@pytest.fixture
def long(context: FakeJobContext) -> FakeJobContext:
    """A text that takes three requests, and is soon spoken: most of it are hyphens that nobody hears."""
    context.data["text"] = f"Why{chr(0xAD) * 3_900}? " * 3
    return context


def test_a_long_text_is_spoken_in_parts_each_within_the_rate_limit(
    long: FakeJobContext, services: Services, vendor: OpenAIServer, s3: S3Client, bucket: str
) -> None:
    vendor.order(*({"path": PATH, "body": body} for body in ("one,", "two,", "three")))

    assert handle(long, services)["bytes"] == len("one,two,three")

    calls = vendor.calls(PATH)
    assert " ".join(call["body"]["input"] for call in calls) == long.data["text"].strip()
    assert max(len(call["body"]["input"]) for call in calls) <= MAX_SPEECH_INPUT
    assert (len(calls), long.tokens) == (3, 2), "the start of the attempt has paid for the first"
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["tts/q1.mp3"]
    assert s3.get_object(Bucket=bucket, Key="tts/q1.mp3")["Body"].read() == b"one,two,three"
    assert long.told == sorted(long.told)


def test_no_part_is_paid_for_twice(
    long: FakeJobContext, services: Services, vendor: OpenAIServer, s3: S3Client, bucket: str
) -> None:
    vendor.order(
        {"path": PATH, "body": "one,"},
        {"path": PATH, "body": "two,"},
        {"path": PATH, "status": 503},
        {"path": PATH, "body": "three"},
    )
    with pytest.raises(ServiceError):
        handle(long, services)

    again = long.again()
    assert handle(again, services)["bytes"] == len("one,two,three")

    assert (len(vendor.calls(PATH)), again.tokens) == (4, 0)
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["tts/q1.mp3"]


def test_parts_that_a_crash_left_behind_are_removed(
    long: FakeJobContext, services: Services, vendor: OpenAIServer, s3: S3Client, bucket: str
) -> None:
    vendor.order(*({"path": PATH, "body": body} for body in ("one,", "two,", "three")))
    handle(long, services)
    digest = s3.head_object(Bucket=bucket, Key="tts/q1.mp3")["Metadata"]["sha256"]
    s3.put_object(Bucket=bucket, Key=f"tts/parts/{digest}/2.mp3", Body=b"two,")

    assert handle(long.again(), services)["cached"] is True

    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1


@pytest.mark.parametrize("question_id", ["../../other/q1", "parts/x/1", "50% \\ ü"])
def test_question_id_with_separators_stays_in_its_folder(
    services: Services, tables: Tables, s3: S3Client, bucket: str, question_id: str
) -> None:
    tables.insert(
        "interview_questions", id=question_id, interviewId="i1", question="Why?", updatedAt=LONG_AGO
    )

    result = handle(FakeJobContext({"questionId": question_id, "text": "Why?"}), services)

    keys = [found["Key"] for found in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert keys == [result["key"]]
    assert keys[0].count("/") == 1
    assert requests.get(result["url"], timeout=5).status_code == 200
