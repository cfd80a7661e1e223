"""Jobs on a bucket that the workers may read and not list: S3 answers 403 for an object that is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from preppath_workers.clients.services import Services
from preppath_workers.errors import PermanentError
from preppath_workers.jobs import transcription, tts
from preppath_workers.testing import FakeContext
from tests.support.s3_rights import NAMES_RIGHT, without_list_right

from .conftest import Tables
from .recording import AUDIO

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

RECORDING = {"recordingId": "r1", "userId": "u1"}


@pytest.fixture
def services(make_services: Callable[..., Services], s3: S3Client) -> Iterator[Services]:
    with without_list_right(s3.meta.endpoint_url, NAMES_RIGHT) as endpoint:
        yield make_services(S3_ENDPOINT=endpoint)


def test_transcription_of_a_missing_file_fails_for_its_own_fault(services: Services, tables: Tables) -> None:
    tables.insert("interview_recordings", id="r1", userId="u1", filename="r1.wav")

    with pytest.raises(PermanentError, match=r"the file 'r1.wav' of recording 'r1' does not exist in S3"):
        transcription.handle(FakeContext(RECORDING), services)


def test_transcription_of_a_file_that_exists_completes(
    services: Services, tables: Tables, s3: S3Client, bucket: str
) -> None:
    tables.insert("interview_recordings", id="r1", userId="u1", filename="r1.wav")
    s3.put_object(Bucket=bucket, Key="r1.wav", Body=AUDIO)

    assert transcription.handle(FakeContext(RECORDING), services)["characters"]


def test_speech_that_is_not_stored_yet_is_made(
    services: Services, question: Callable[..., FakeContext]
) -> None:
    question()

    result = tts.handle(FakeContext({"questionId": "q1", "text": "Why queues?"}), services)

    assert (result["cached"], result["parts"]) == (False, 1)
