"""Handlers hold no database connection during a vendor call or after the job."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from preppath_workers.clients.openai.client import OpenAI
from preppath_workers.clients.openai.realtime import RealtimeReader
from preppath_workers.clients.services import Services
from preppath_workers.jobs import evaluation, transcription, tts
from preppath_workers.registry import JobContext
from preppath_workers.testing import FakeContext
from tests.fake_openai.control import OpenAIServer
from tests.support.waiting import eventually
from tests.support.wav import Wav

from .conftest import Tables

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Handle = Callable[[JobContext, Services], Mapping[str, Any]]


def none_open(tables: Tables) -> bool:
    """Whether PostgreSQL has no connection of ours."""
    return not tables.rows(
        "pg_stat_activity WHERE application_name = 'preppath-workers' AND datname = current_database()"
    )


@pytest.mark.parametrize(
    ("handle", "client", "call", "data"),
    [
        (
            evaluation.handle,
            OpenAI,
            "evaluate",
            {"questionId": "q1", "interviewId": "i1", "answer": "So that work can wait.", "userId": "u1"},
        ),
        (transcription.handle, OpenAI, "transcribe", {"recordingId": "r1", "userId": "u1"}),
        (tts.handle, RealtimeReader, "read", {"questionId": "q1", "text": "Why queues?"}),
    ],
)
def test_handler_during_a_vendor_call_holds_no_database_connection(
    services: Services,
    tables: Tables,
    s3: S3Client,
    bucket: str,
    vendor: OpenAIServer,
    monkeypatch: pytest.MonkeyPatch,
    handle: Handle,
    client: type,
    call: str,
    data: dict[str, str],
) -> None:
    tables.insert("interviews", id="i1", userId="u1")
    tables.insert("interview_questions", id="q1", interviewId="i1", question="Why?", updatedAt="2020-01-01")
    tables.insert("interview_recordings", id="r1", userId="u1", filename="r1.wav")
    s3.put_object(Bucket=bucket, Key="r1.wav", Body=Wav(os.urandom(16_000), 8_000).wav_bytes("Hello."))
    real, calls = getattr(client, call), []

    def watched(*arguments: Any, **options: Any) -> Any:
        eventually(lambda: none_open(tables))
        calls.append(call)
        return real(*arguments, **options)

    monkeypatch.setattr(client, call, watched)

    handle(FakeContext(data), services)

    assert calls == [call]
    eventually(lambda: none_open(tables))
