"""The command check, for a user of S3 without the right s3:ListBucket."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.s3_rights import NAMES_NOTHING, NAMES_RIGHT, without_list_right

from .conftest import Run

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.mark.parametrize(
    ("message", "status", "exit_code", "says"),
    [
        (NAMES_RIGHT, "warning", 1, "are recognized only by S3's message: grant s3:ListBucket"),
        (NAMES_NOTHING, "error", 2, "cannot be recognized, so every tts job fails"),
    ],
)
def test_check_without_the_right_to_list_names_it_and_what_happens(
    run: Run, s3: S3Client, bucket: str, message: str, status: str, exit_code: int, says: str
) -> None:
    with without_list_right(s3.meta.endpoint_url, message) as endpoint:
        done = run(
            *("check", "--json", "--only", "storage"),
            OPENAI_API_KEY="sk-test",
            DATABASE_URL="postgresql://u@127.0.0.1:9/x",
            S3_ENDPOINT=endpoint,
            S3_BUCKET=bucket,
            S3_ACCESS_KEY_ID="test",
            S3_SECRET_ACCESS_KEY="test-secret",
        )

    assert done.returncode == exit_code
    found = {finding["what"]: finding for finding in json.loads(done.stdout)}
    assert found[f"bucket {bucket}"]["status"] == "ok"
    assert found["missing objects"]["status"] == status
    assert says in found["missing objects"]["detail"]
    assert "s3:ListBucket" in found["missing objects"]["detail"]
