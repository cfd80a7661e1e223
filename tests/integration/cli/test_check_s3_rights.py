"""The command check, for a user of S3 with few rights, or for a short time."""

from __future__ import annotations

import json
from pathlib import Path
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


def test_check_with_temporary_credentials_says_that_signed_urls_end_with_them(
    run: Run, s3: S3Client, bucket: str, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("token")
    done = run(
        *("check", "--json", "--only", "storage"),
        S3_ENDPOINT=s3.meta.endpoint_url,
        S3_BUCKET=bucket,
        AWS_ROLE_ARN="arn:aws:iam::123456789012:role/workers",
        AWS_WEB_IDENTITY_TOKEN_FILE=str(token),
        AWS_ENDPOINT_URL_STS=s3.meta.endpoint_url,
    )
    assert done.returncode == 1
    found = {finding["what"]: finding for finding in json.loads(done.stdout)}
    assert found["signed URLs"]["status"] == "warning"
    assert "temporary credentials" in found["signed URLs"]["detail"]
