"""The columns that check looks for are those that the handlers need."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from preppath_workers.cli.check.postgres import NEEDED
from preppath_workers.clients.postgres.client import Database
from preppath_workers.clients.postgres.schema import create_missing
from preppath_workers.clients.services import Services
from preppath_workers.jobs import evaluation, transcription, tts
from preppath_workers.testing import FakeContext
from tests.conftest import ExternalServer
from tests.support.databases import new_database
from tests.support.postgres import PostgresServer

from .conftest import EVALUATION
from .recording import AUDIO

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture
def least_database(database_server: PostgresServer | ExternalServer) -> Iterator[str]:
    """A database whose tables have only the columns that check looks for."""
    with new_database(database_server.url) as url:
        with Database(url).transaction() as cursor:
            create_missing(cursor)
            for table, needs in NEEDED.items():
                cursor.execute(
                    "SELECT attname FROM pg_attribute "
                    "WHERE attrelid = to_regclass(%s) AND attnum > 0 AND attname <> ALL (%s)",
                    [table, list(needs.columns)],
                )
                for row in cursor.fetchall():
                    cursor.execute(f'ALTER TABLE {table} DROP COLUMN "{row["attname"]}"')
            cursor.execute(
                """
                INSERT INTO interviews (id, "userId") VALUES ('i1', 'u1');
                INSERT INTO interview_questions (id, "interviewId", question) VALUES ('q1', 'i1', 'Why?');
                INSERT INTO interview_recordings (id, "userId", filename)
                    VALUES ('r1', 'u1', 'recordings/r1.wav');
                """
            )
        yield url


def test_handlers_need_no_other_columns_than_those_that_check_looks_for(
    least_database: str, make_services: Callable[..., Services], s3: S3Client, bucket: str
) -> None:
    services = make_services(DATABASE_URL=least_database)
    s3.put_object(Bucket=bucket, Key="recordings/r1.wav", Body=AUDIO)

    assert evaluation.handle(FakeContext(EVALUATION), services)["feedbackId"]
    assert tts.handle(FakeContext({"questionId": "q1", "text": "Why?"}), services)["url"]
    assert transcription.handle(FakeContext({"recordingId": "r1", "userId": "u1"}), services)["characters"]
