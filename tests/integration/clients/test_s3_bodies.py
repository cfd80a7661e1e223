"""Bodies of S3's answers: too large, cut off, or with no room for them here."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from preppath_workers.errors import MachineError, PermanentError, ServiceError

from .conftest import MOST, Answers, storage_at

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.mark.parametrize("headers", [{"Content-Length": "4"}, {"Connection": "close"}])
def test_object_larger_than_its_reader_takes_is_a_permanent_error(
    answers: Answers, headers: dict[str, str]
) -> None:
    """It grew after its size was looked up, or its response doesn't say how long it is."""
    storage = storage_at("bucket", answers(200, b"long", {"ETag": "1", **headers}))

    for request in (lambda: storage.read("key", 3), lambda: storage.download("key", io.BytesIO(), 3)):
        with pytest.raises(PermanentError, match="more than 3 bytes"):
            request()
    assert storage.read("key", 4) == b"long"


def test_download_that_is_cut_off_is_a_service_error(answers: Answers) -> None:
    headers = {"Content-Length": "8", "Connection": "close", "ETag": "1"}
    storage = storage_at("bucket", answers(200, b"half", headers))

    with pytest.raises(ServiceError):
        storage.download("key", io.BytesIO(), MOST)


def test_download_to_a_full_disk_is_a_machine_error(bucket: str, s3: S3Client) -> None:
    storage = storage_at(bucket, s3.meta.endpoint_url)
    storage.upload("key", bytes(MOST), "text/plain")

    with Path("/dev/full").open("wb", buffering=0) as file, pytest.raises(MachineError) as caught:
        storage.download("key", file, MOST)

    assert caught.value.resource == "disk"
