"""The job transcription, on real servers."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from preppath_workers.clients.openai.models import MAX_AUDIO_BYTES
from preppath_workers.clients.services import Services
from preppath_workers.errors import JobLost, PermanentError, ServiceError, TransientError
from preppath_workers.jobs.transcription import handle, records
from preppath_workers.testing import FakeContext
from tests.fake_openai.control import OpenAIServer

from .conftest import Tables
from .recording import AUDIO

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PATH = "/v1/audio/transcriptions"


@pytest.fixture
def recording(tables: Tables, s3: S3Client, bucket: str) -> Callable[..., FakeContext]:
    """Make a recording of user u1 and the context of its job."""

    def make(audio: bytes | None = AUDIO, **columns: Any) -> FakeContext:
        row = {"id": "r1", "userId": "u1", "filename": "recordings/r1.wav", **columns}
        tables.insert("interview_recordings", **row)
        if audio is not None:
            s3.put_object(Bucket=bucket, Key=row["filename"], Body=audio)
        return FakeContext({"recordingId": "r1", "userId": "u1"})

    return make


def test_transcription_of_a_recording_stores_its_text(
    recording: Callable[..., FakeContext], services: Services, tables: Tables, vendor: OpenAIServer
) -> None:
    context = recording(mimeType="audio/wav")

    result = handle(context, services)

    assert result == {"recordingId": "r1", "characters": 20, "duration": 3.0, "cached": False}
    row = tables.row("interview_recordings")
    assert (row["transcribed"], row["transcription"], row["duration"]) == (True, "I would use a queue.", 3.0)
    assert abs(datetime.now(UTC).replace(tzinfo=None) - row["transcribedAt"]) < timedelta(minutes=1)
    assert context.reported == sorted(context.reported)
    [call] = vendor.calls(PATH)
    assert call["body"]["file"]["bytes"] == len(AUDIO)


def test_transcription_of_a_transcribed_recording_costs_nothing(
    recording: Callable[..., FakeContext], services: Services, vendor: OpenAIServer
) -> None:
    context = recording(audio=None, transcribed=True, transcription="Hello.", duration=9)

    result = handle(context, services)

    assert result == {"recordingId": "r1", "characters": 6, "duration": 9, "cached": True}
    assert vendor.calls() == []


def test_transcription_without_a_measured_duration_keeps_the_known_one(
    recording: Callable[..., FakeContext], services: Services, tables: Tables, vendor: OpenAIServer
) -> None:
    vendor.order({"body": '{"text": "Hello\\u0000\\ud83d."}'})

    assert handle(recording(audio=b"OggS", duration=9), services)["duration"] == 9

    row = tables.row("interview_recordings")
    assert (row["transcription"], row["duration"]) == ("Hello?.", 9)


def test_transcription_without_the_models_duration_reads_the_audio(
    recording: Callable[..., FakeContext], services: Services, vendor: OpenAIServer
) -> None:
    vendor.order({"body": '{"text": "Hello."}'})

    assert handle(recording(duration=9), services)["duration"] == 3.0


def test_transcription_language_of_the_job_is_sent(
    recording: Callable[..., FakeContext], services: Services, vendor: OpenAIServer
) -> None:
    context = recording()
    context.data["language"] = "de"

    handle(context, services)

    assert vendor.calls(PATH)[0]["body"]["languages[]"] == "de"


def test_transcription_retried_after_its_reply_is_paid_once(
    recording: Callable[..., FakeContext],
    services: Services,
    tables: Tables,
    vendor: OpenAIServer,
    fail_updates: Callable[[str], None],
) -> None:
    context = recording()
    fail_updates("interview_recordings")
    with pytest.raises(TransientError):
        handle(context, services)
    tables.run("DROP TRIGGER refuse ON interview_recordings")

    assert handle(context.again(), services)["characters"] == 20

    assert tables.row("interview_recordings")["transcription"] == "I would use a queue."
    assert len(vendor.calls(PATH)) == 1


def test_transcription_of_a_lost_job_changes_nothing(
    recording: Callable[..., FakeContext], services: Services, tables: Tables
) -> None:
    context = recording()
    before, context.lost = tables.row("interview_recordings"), True

    with pytest.raises(JobLost):
        handle(context, services)

    assert tables.row("interview_recordings") == before


def test_transcription_after_a_faster_worker_keeps_its_text(
    recording: Callable[..., FakeContext], services: Services, tables: Tables
) -> None:
    recording()
    records.save(services.database, "r1", "fast", 3.0, lambda: None)
    before = tables.row("interview_recordings")

    saved = records.save(services.database, "r1", "slow", 4.0, lambda: None)

    assert saved["transcription"] == "fast"
    assert tables.row("interview_recordings") == before


@pytest.mark.parametrize(
    ("audio", "name"),
    [
        (AUDIO, "recording.wav"),
        (b"OggS", "recording.ogg"),
        (b"\0\0\0\x1cftypiso5\0\0\0\0", "recording.mp4"),
    ],
)
def test_transcription_format_is_that_of_the_first_bytes_and_not_of_the_name(
    recording: Callable[..., FakeContext],
    services: Services,
    vendor: OpenAIServer,
    audio: bytes,
    name: str,
) -> None:
    columns = {
        "filename": "r/1.webm",
        "originalName": "My Answer.aac",
        "mimeType": "application/octet-stream",
    }

    handle(recording(audio, **columns), services)

    assert vendor.calls(PATH)[0]["body"]["file"]["filename"] == name


@pytest.mark.parametrize(
    ("audio", "problem"),
    [
        (b"\xff\xf1\x50\x80", r"OpenAI does not accept its format \(AAC\), and ffmpeg"),
        (b"caff\0\1\0\0", r"format \(CAF\)"),
        (b"\0\0\0\x14ftypqt  ", r"format \(QuickTime\)"),
        (b"<html>", r"format \(unknown\)"),
    ],
)
def test_transcription_of_a_format_that_needs_ffmpeg_fails_without_it(
    recording: Callable[..., FakeContext],
    services: Services,
    vendor: OpenAIServer,
    monkeypatch: pytest.MonkeyPatch,
    audio: bytes,
    problem: str,
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(PermanentError, match=problem):
        handle(recording(audio), services)
    assert vendor.calls() == []


def test_transcription_omits_segments_that_whisper_doubts(
    recording: Callable[..., FakeContext],
    make_services: Callable[..., Services],
    tables: Tables,
    vendor: OpenAIServer,
) -> None:
    segments = [
        {"text": " I would use a queue.", "no_speech_prob": 0.02, "avg_logprob": -0.2},
        {"text": " Quietly.", "no_speech_prob": 0.7, "avg_logprob": -0.3},
        {"text": " Mumbled.", "no_speech_prob": 0.1, "avg_logprob": -1.3},
        {"text": " Thanks for watching!", "no_speech_prob": 0.97, "avg_logprob": -0.4},
        {"text": " Bye.", "no_speech_prob": 0.7, "avg_logprob": -1.2},
    ]
    text = "".join(segment["text"] for segment in segments)
    vendor.order({"path": PATH, "body": json.dumps({"text": text, "segments": segments})})

    result = handle(recording(), make_services(OPENAI_WHISPER_MODEL="whisper-1"))

    assert result["doubtfulSegments"] == 2
    assert tables.row("interview_recordings")["transcription"] == "I would use a queue. Quietly. Mumbled."


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"recordingId": "r2", "userId": "u1"}, "recording 'r2' does not exist"),
        ({"recordingId": "r1", "userId": "u2"}, "not belong to user 'u2'"),
    ],
)
def test_transcription_of_a_recording_that_is_not_the_users_is_refused(
    recording: Callable[..., FakeContext],
    services: Services,
    vendor: OpenAIServer,
    data: dict[str, str],
    problem: str,
) -> None:
    recording()

    with pytest.raises(PermanentError, match=problem):
        handle(FakeContext(data), services)
    assert vendor.calls() == []


def test_transcription_of_a_recording_without_a_file_fails_for_good(
    recording: Callable[..., FakeContext], services: Services
) -> None:
    with pytest.raises(PermanentError, match="'r1' has no filename"):
        handle(recording(audio=None, filename=""), services)


def test_transcription_of_a_recording_that_was_emptied_meanwhile_fails_for_good(
    recording: Callable[..., FakeContext], services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services.storage, "size", lambda key: 5)

    with pytest.raises(PermanentError, match="it has 0 bytes"):
        handle(recording(audio=b""), services)


@pytest.mark.parametrize(
    ("audio", "problem"),
    [
        (None, "file 'recordings/r1.wav' of recording 'r1' does not exist in S3"),
        (b"", "0 bytes"),
        (bytes(MAX_AUDIO_BYTES + 1), "more with ffmpeg installed"),
    ],
    ids=["missing", "empty", "too large"],
)
def test_transcription_of_unusable_audio_costs_nothing(
    recording: Callable[..., FakeContext],
    services: Services,
    vendor: OpenAIServer,
    monkeypatch: pytest.MonkeyPatch,
    audio: bytes | None,
    problem: str,
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")  # without ffmpeg

    with pytest.raises(PermanentError, match=problem):
        handle(recording(audio=audio), services)
    assert vendor.calls() == []


def test_transcription_that_fails_leaves_the_recording_unchanged(
    recording: Callable[..., FakeContext], services: Services, tables: Tables, vendor: OpenAIServer
) -> None:
    context = recording()
    before = tables.row("interview_recordings")
    vendor.order({"path": PATH, "status": 500})

    with pytest.raises(ServiceError):
        handle(context, services)

    assert tables.row("interview_recordings") == before
    assert handle(context, services)["cached"] is False


def test_transcript_of_a_recording_that_was_deleted_meanwhile_fails_for_good(services: Services) -> None:
    with pytest.raises(PermanentError, match="recording 'r1' was deleted during the transcription"):
        records.save(services.database, "r1", "text", 3.0, lambda: None)
