from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
import requests

from preppath_workers.clients.storage import Storage, Stored
from preppath_workers.errors import JobError, OutOfService, PermanentError, TransientError
from preppath_workers.settings import StorageConfig

from .conftest import Answers

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def make(bucket: str, endpoint: str, **keys: str | None) -> Storage:
    keys = {"access_key_id": "test", "secret_access_key": "test-secret", **keys}
    return Storage(StorageConfig(bucket, endpoint, "us-east-1", **keys), read_timeout=5)


@pytest.fixture
def storage(bucket: str, s3: S3Client) -> Storage:
    return make(bucket, s3.meta.endpoint_url)


def test_what_is_uploaded_can_be_downloaded(storage: Storage, bucket: str, s3: S3Client) -> None:
    body = bytes(range(256)) * 4_096
    storage.upload("tts/q1.mp3", body, "audio/mpeg", {"question": "q1"})

    file = io.BytesIO()
    storage.download("tts/q1.mp3", file)

    assert file.getvalue() == body
    assert storage.size("tts/q1.mp3") == len(body)
    stored = s3.head_object(Bucket=bucket, Key="tts/q1.mp3")
    assert (stored["ContentType"], stored["Metadata"]) == ("audio/mpeg", {"question": "q1"})


def test_an_upload_takes_the_place_of_the_one_before(storage: Storage) -> None:
    storage.upload("key", b"old", "text/plain")
    storage.upload("key", b"newer", "text/plain")

    assert storage.size("key") == 5


def test_anyone_can_read_a_signed_url(storage: Storage, bucket: str) -> None:
    storage.upload("tts/q 1.mp3", b"sound", "audio/mpeg")

    url = storage.signed_url("tts/q 1.mp3", 7 * 86_400)

    assert "X-Amz-Expires=604800" in url
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in url
    assert f"/{bucket}/tts/q%201.mp3?" in url, "an endpoint of one's own is addressed by path"
    assert requests.get(url, timeout=5).content == b"sound"


def test_a_missing_object_is_permanent_and_named(storage: Storage, bucket: str) -> None:
    for request in (lambda: storage.download("gone.webm", io.BytesIO()), lambda: storage.size("gone.webm")):
        with pytest.raises(PermanentError, match=f"{bucket}/gone.webm"):
            request()


def test_what_may_be_missing_is_looked_for(storage: Storage) -> None:
    assert (storage.find("key"), storage.read("key")) == (None, None)
    storage.delete("key")

    storage.upload("key", b"body", "text/plain", {"sha256": "abc"})
    assert storage.find("key") == Stored(4, {"sha256": "abc"})
    assert storage.read("key") == b"body"

    storage.delete("key")
    assert storage.find("key") is None


def test_a_missing_bucket_is_named_and_holds_the_queue(s3: S3Client) -> None:
    storage = make("no-such-bucket-here", s3.meta.endpoint_url)
    requests = [
        lambda: storage.download("key", io.BytesIO()),
        lambda: storage.size("key"),
        lambda: storage.find("key"),
        lambda: storage.read("key"),
        lambda: storage.delete("key"),
        lambda: storage.upload("key", b"body", "text/plain"),
    ]
    for request in requests:
        with pytest.raises(OutOfService, match="no-such-bucket-here"):
            request()


def test_a_key_that_s3_can_not_take_is_permanent(storage: Storage) -> None:
    with pytest.raises(PermanentError):
        storage.download("", io.BytesIO())


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, "ExpiredToken", TransientError),
        (400, "EntityTooLarge", PermanentError),
        (400, "RequestTimeout", TransientError),
        (403, "AccessDenied", TransientError),
        (403, "InvalidAccessKeyId", TransientError),
        (403, "SignatureDoesNotMatch", TransientError),
        (404, "NoSuchKey", PermanentError),
        (404, "NoSuchBucket", OutOfService),
        (500, "InternalError", TransientError),
        (503, "SlowDown", TransientError),
        (502, None, TransientError),
    ],
)
def test_what_becomes_of_the_job(
    answers: Answers, status: int, code: str | None, expected: type[JobError]
) -> None:
    body = f"<Error><Code>{code}</Code><Message>No.</Message></Error>" if code else "a gateway's page"
    storage = make("bucket", answers(status, body.encode()))

    with pytest.raises(JobError) as caught:
        storage.upload("key", b"body", "text/plain")

    assert type(caught.value) is expected


def test_no_server_is_transient() -> None:
    with pytest.raises(TransientError):
        make("bucket", "http://127.0.0.1:1").size("key")


def test_a_download_that_breaks_off_is_transient(answers: Answers) -> None:
    storage = make("bucket", answers(200, b"half", {"Content-Length": "8", "Connection": "close"}))

    with pytest.raises(TransientError):
        storage.download("key", io.BytesIO())


@pytest.mark.parametrize(
    ("status", "code", "fresh"),
    [
        (403, "InvalidAccessKeyId", True),
        (403, "SignatureDoesNotMatch", True),
        (403, None, True),
        (400, "ExpiredToken", True),
        (500, "InternalError", False),
    ],
)
def test_rejected_credentials_are_fetched_anew(
    answers: Answers, monkeypatch: pytest.MonkeyPatch, status: int, code: str | None, fresh: bool
) -> None:
    body = f"<Error><Code>{code}</Code></Error>".encode() if code else b""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDOLD")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    storage = make("bucket", answers(status, body), access_key_id=None, secret_access_key=None)
    assert "AKIDOLD" in storage.signed_url("key")

    with pytest.raises(TransientError):
        storage.upload("key", b"body", "text/plain")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDNEW")

    assert ("AKIDNEW" in storage.signed_url("key")) is fresh


def test_no_credentials_at_all_are_transient(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", f"{tmp_path}/none")
    monkeypatch.setenv("AWS_CONFIG_FILE", f"{tmp_path}/none")
    storage = make("bucket", "http://127.0.0.1:1", access_key_id=None, secret_access_key=None)

    with pytest.raises(TransientError, match="credentials"):
        storage.signed_url("key")
