"""The job tts with the endpoint /v1/audio/speech."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import requests

from preppath_workers.clients.openai.models import MAX_SPEECH_INPUT
from preppath_workers.clients.services import Services
from preppath_workers.errors import InvalidJob, JobLost, PermanentError, ServiceError, TransientError
from preppath_workers.jobs.tts import handle
from preppath_workers.testing import FakeContext
from tests.fake_openai.control import OpenAIServer

from .conftest import LONG_AGO, Tables

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PATH = "/v1/audio/speech"
#: Three parts, which look like MP3s with a tag.
PARTS = ("ID3 one,", "ID3 two,", "ID3 three")
MODEL = {"OPENAI_TTS_MODEL": "gpt-4o-mini-tts"}


@pytest.fixture
def services(make_services: Callable[..., Services]) -> Services:
    return make_services(**MODEL)


@pytest.fixture
def context(tables: Tables) -> FakeContext:
    tables.insert(
        "interview_questions", id="q1", interviewId="i1", question="Why queues?", updatedAt=LONG_AGO
    )
    return FakeContext({"questionId": "q1", "text": "Why queues?"})


def test_tts_of_a_question_stores_its_speech(
    context: FakeContext,
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
    assert context.reported == sorted(context.reported)


def test_tts_of_a_missing_question_costs_nothing(services: Services, vendor: OpenAIServer) -> None:
    with pytest.raises(PermanentError, match="question 'q9' does not exist"):
        handle(FakeContext({"questionId": "q9", "text": "Why?"}), services)
    assert vendor.calls() == []


def test_tts_with_a_failed_request_stores_nothing(
    context: FakeContext,
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


def test_tts_of_existing_speech_is_not_paid_again(
    context: FakeContext, services: Services, tables: Tables, vendor: OpenAIServer
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
def test_tts_with_other_options_is_synthesized_again(
    context: FakeContext, services: Services, vendor: OpenAIServer, change: dict[str, Any]
) -> None:
    handle(context, services)

    assert handle(FakeContext({**context.data, **change}, id="job-2"), services)["cached"] is False

    call = vendor.calls(PATH)[1]["body"]
    [(name, value)] = change.items()
    assert call["input" if name == "text" else name] == value


def test_tts_with_another_model_is_synthesized_again(
    context: FakeContext, make_services: Callable[..., Services], vendor: OpenAIServer
) -> None:
    handle(context, make_services(**MODEL))

    assert handle(context.again(), make_services(OPENAI_TTS_MODEL="tts-1"))["cached"] is False
    assert [call["model"] for call in vendor.calls(PATH)] == ["gpt-4o-mini-tts", "tts-1"]


def test_tts_with_an_unknown_voice_is_refused_by_openai_only(
    context: FakeContext, make_services: Callable[..., Services], vendor: OpenAIServer
) -> None:
    context.data["voice"] = "af_heart"

    with pytest.raises(InvalidJob, match="voice must be one of alloy, ash"):
        handle(context, make_services(**MODEL, OPENAI_TTS_BASE_URL="https://api.openai.com/v1"))
    assert vendor.calls() == []

    with pytest.raises(PermanentError, match="invalid_value"):  # the vendor decides
        handle(context, make_services(**MODEL))
    assert vendor.calls(PATH)[0]["body"]["voice"] == "af_heart"


def test_tts_with_an_unsupported_configured_voice_refuses_all(
    context: FakeContext, make_services: Callable[..., Services]
) -> None:
    with pytest.raises(ServiceError, match=r"setting voice: .* invalid_value") as caught:
        handle(context, make_services(OPENAI_TTS_MODEL="tts-1", OPENAI_TTS_VOICE="marin"))

    assert caught.value.refuses_all


def test_tts_retried_after_its_upload_is_paid_once(
    context: FakeContext,
    services: Services,
    tables: Tables,
    vendor: OpenAIServer,
    fail_updates: Callable[[str], None],
    s3: S3Client,
    bucket: str,
) -> None:
    fail_updates("interview_questions")
    with pytest.raises(TransientError):
        handle(context, services)
    tables.run("DROP TRIGGER refuse ON interview_questions")

    assert handle(context.again(), services)["cached"] is True

    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1
    assert tables.row("interview_questions")["ttsGenerated"] is True
    assert len(vendor.calls(PATH)) == 1


def test_tts_of_a_lost_job_changes_nothing(context: FakeContext, services: Services, tables: Tables) -> None:
    before, context.lost = tables.row("interview_questions"), True

    with pytest.raises(JobLost):
        handle(context, services)

    assert tables.row("interview_questions") == before


@pytest.fixture
def long(context: FakeContext) -> FakeContext:
    """A text of three requests and little speech: most of it is soft hyphens."""
    context.data["text"] = f"Why{chr(0xAD) * 3_900}? " * 3
    return context


def test_tts_of_a_long_text_acquires_a_token_for_each_part(
    long: FakeContext, services: Services, vendor: OpenAIServer, s3: S3Client, bucket: str
) -> None:
    vendor.order(*({"path": PATH, "body": body} for body in PARTS))

    assert handle(long, services)["bytes"] == len("".join(PARTS))

    calls = vendor.calls(PATH)
    assert " ".join(call["body"]["input"] for call in calls) == long.data["text"].strip()
    assert max(len(call["body"]["input"]) for call in calls) <= MAX_SPEECH_INPUT
    assert (len(calls), long.tokens) == (3, 2), "the start of the attempt acquired the first"
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["tts/q1.mp3"]
    assert s3.get_object(Bucket=bucket, Key="tts/q1.mp3")["Body"].read() == "".join(PARTS).encode()
    assert long.reported == sorted(long.reported)


def test_tts_retried_after_some_parts_pays_for_none_twice(
    long: FakeContext, services: Services, vendor: OpenAIServer, s3: S3Client, bucket: str
) -> None:
    vendor.order(
        {"path": PATH, "body": PARTS[0]},
        {"path": PATH, "body": PARTS[1]},
        {"path": PATH, "status": 503},
        {"path": PATH, "body": PARTS[2]},
    )
    with pytest.raises(ServiceError):
        handle(long, services)

    again = long.again()
    assert handle(again, services)["bytes"] == len("".join(PARTS))

    assert (len(vendor.calls(PATH)), again.tokens) == (4, 0)
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["tts/q1.mp3"]


def test_tts_of_a_long_text_sends_no_part_without_words(
    context: FakeContext, services: Services, vendor: OpenAIServer
) -> None:
    context.data["text"] = f"Why{chr(0xAD) * 4_000}?\n{'-' * 500}"

    handle(context, services)

    assert [call["body"]["input"][:3] for call in vendor.calls(PATH)] == ["Why"]


def test_tts_after_a_crash_removes_leftover_parts(
    long: FakeContext, services: Services, vendor: OpenAIServer, s3: S3Client, bucket: str
) -> None:
    vendor.order(*({"path": PATH, "body": body} for body in PARTS))
    handle(long, services)
    digest = s3.head_object(Bucket=bucket, Key="tts/q1.mp3")["Metadata"]["sha256"]
    s3.put_object(Bucket=bucket, Key=f"tts/parts/{digest}/2.mp3", Body=PARTS[1].encode())

    assert handle(long.again(), services)["cached"] is True

    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1


@pytest.mark.parametrize("question_id", ["../../other/q1", "parts/x/1", "50% \\ ü"])
def test_tts_of_a_question_id_with_separators_stays_in_its_folder(
    services: Services, tables: Tables, s3: S3Client, bucket: str, question_id: str
) -> None:
    tables.insert(
        "interview_questions", id=question_id, interviewId="i1", question="Why?", updatedAt=LONG_AGO
    )

    result = handle(FakeContext({"questionId": question_id, "text": "Why?"}), services)

    keys = [found["Key"] for found in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert keys == [result["key"]]
    assert keys[0].count("/") == 1
    assert requests.get(result["url"], timeout=5).status_code == 200


def test_tts_of_a_question_that_is_deleted_meanwhile_fails_for_good(
    context: FakeContext, services: Services, skip_updates: Callable[[str], None]
) -> None:
    skip_updates("interview_questions")
    with pytest.raises(PermanentError, match="question 'q1' was deleted while it was spoken"):
        handle(context, services)
