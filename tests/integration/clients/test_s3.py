"""The S3 client, and how it classifies its errors."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest
import requests

from preppath_workers.clients.s3.client import ObjectInfo, Storage
from preppath_workers.errors import MachineError, PermanentError, ServiceError

from .conftest import MOST, Answers, storage_at
from .shortages import no_descriptors

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture
def storage(bucket: str, s3: S3Client) -> Storage:
    return storage_at(bucket, s3.meta.endpoint_url)


def test_upload_then_download_returns_the_same_bytes(storage: Storage, bucket: str, s3: S3Client) -> None:
    body = bytes(range(256)) * 4_096
    storage.upload("tts/q1.mp3", body, "audio/mpeg", {"question": "q1"})

    file = io.BytesIO()
    assert storage.download("tts/q1.mp3", file, len(body)) == len(body)

    assert file.getvalue() == body
    assert storage.size("tts/q1.mp3") == len(body)
    stored = s3.head_object(Bucket=bucket, Key="tts/q1.mp3")
    assert (stored["ContentType"], stored["Metadata"]) == ("audio/mpeg", {"question": "q1"})


def test_upload_to_an_existing_key_replaces_the_object(storage: Storage) -> None:
    storage.upload("key", b"old", "text/plain")
    storage.upload("key", b"newer", "text/plain")

    assert storage.size("key") == 5


def test_signed_url_without_credentials_can_be_read(storage: Storage, bucket: str) -> None:
    storage.upload("tts/q 1.mp3", b"sound", "audio/mpeg")

    url = storage.signed_url("tts/q 1.mp3", 7 * 86_400)

    assert "X-Amz-Expires=604800" in url
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in url
    assert f"/{bucket}/tts/q%201.mp3?" in url, "a custom endpoint is addressed by path"
    assert requests.get(url, timeout=5).content == b"sound"


def test_missing_object_is_a_permanent_error_with_its_name(storage: Storage, bucket: str) -> None:
    for request in (
        lambda: storage.download("gone.webm", io.BytesIO(), MOST),
        lambda: storage.size("gone.webm"),
    ):
        with pytest.raises(PermanentError, match=f"{bucket}/gone.webm"):
            request()


def test_find_and_read_of_a_missing_object_return_none(storage: Storage) -> None:
    assert (storage.find("key"), storage.read("key", MOST)) == (None, None)
    storage.delete("key")

    storage.upload("key", b"body", "text/plain", {"sha256": "abc"})
    assert storage.find("key") == ObjectInfo(4, {"sha256": "abc"})
    assert storage.read("key", MOST) == b"body"

    storage.delete("key")
    assert storage.find("key") is None


def test_missing_bucket_refuses_all_and_is_named(s3: S3Client) -> None:
    storage = storage_at("no-such-bucket-here", s3.meta.endpoint_url)
    requests = [
        lambda: storage.download("key", io.BytesIO(), MOST),
        lambda: storage.size("key"),
        lambda: storage.find("key"),
        lambda: storage.read("key", MOST),
        lambda: storage.delete("key"),
        lambda: storage.upload("key", b"body", "text/plain"),
    ]
    for request in requests:
        with pytest.raises(ServiceError, match="no-such-bucket-here") as caught:
            request()
        assert (caught.value.service, caught.value.refuses_all) == ("s3", True)


def test_key_that_s3_does_not_accept_is_a_permanent_error(storage: Storage) -> None:
    with pytest.raises(PermanentError):
        storage.download("", io.BytesIO(), MOST)


#: Cause of a failure: the job, the service, or a refusal of every job.
JOB, SERVICE, ALL = "job", "service", "all"


def classification(request: Callable[[], object]) -> str:
    """The cause that the error of this request says."""
    with pytest.raises((PermanentError, ServiceError)) as caught:
        request()
    if not isinstance(caught.value, ServiceError):
        return JOB
    assert (caught.value.service, caught.value.may_be_paid) == ("s3", False)
    return ALL if caught.value.refuses_all else SERVICE


@pytest.mark.parametrize(
    ("status", "code", "write", "read"),
    [
        (301, "PermanentRedirect", ALL, ALL),
        (400, "AuthorizationHeaderMalformed", ALL, ALL),
        (400, "EntityTooLarge", JOB, JOB),
        (400, "ExpiredToken", ALL, ALL),
        (400, "KeyTooLongError", JOB, JOB),
        (400, "KMS.DisabledException", ALL, ALL),
        (400, "KMS.ThrottlingException", SERVICE, SERVICE),
        (400, "KMS.KMSInternalException", SERVICE, SERVICE),
        (400, "RequestTimeout", SERVICE, SERVICE),
        (403, "AccessDenied", ALL, SERVICE),
        (403, "InvalidAccessKeyId", ALL, ALL),
        (403, "SignatureDoesNotMatch", ALL, ALL),
        (403, None, ALL, SERVICE),
        (404, "NoSuchBucket", ALL, ALL),
        (404, "NoSuchKey", JOB, JOB),
        (405, "MethodNotAllowed", ALL, ALL),
        (413, None, SERVICE, SERVICE),
        (500, "InternalError", SERVICE, SERVICE),
        (501, "NotImplemented", ALL, ALL),
        (502, None, SERVICE, SERVICE),
        (503, "SlowDown", SERVICE, SERVICE),
        (507, "XMinioStorageFull", SERVICE, SERVICE),
    ],
)
def test_error_response_is_classified_by_its_cause(
    answers: Answers, status: int, code: str | None, write: str, read: str
) -> None:
    body = f"<Error><Code>{code}</Code><Message>No.</Message></Error>" if code else "a gateway's page"
    storage = storage_at("bucket", answers(status, body.encode()))

    assert classification(lambda: storage.upload("key", b"body", "text/plain")) == write
    assert classification(lambda: storage.download("key", io.BytesIO(), MOST)) == read
    assert classification(lambda: storage.size("key")) == read, "HEAD, whose answer has no body"


def test_error_response_is_shown_with_its_message_on_one_line(answers: Answers) -> None:
    words = "User arn:aws:iam::1:user/w may not do s3:GetObject"
    body = f"<Error><Code>AccessDenied</Code><Message>{words}\n{'x' * 500}</Message></Error>"
    storage = storage_at("bucket", answers(403, body.encode()))

    with pytest.raises(ServiceError) as caught:
        storage.upload("key", b"body", "text/plain")

    assert str(caught.value).startswith(f"S3 answered 403 AccessDenied for bucket/key: {words} xxx")
    assert len(str(caught.value)) < 400


def test_request_that_s3_refuses_for_its_time_is_the_fault_of_this_machine(answers: Answers) -> None:
    storage = storage_at("bucket", answers(403, b"<Error><Code>RequestTimeTooSkewed</Code></Error>"))

    with pytest.raises(MachineError, match="the clock of this machine differs") as caught:
        storage.upload("key", b"body", "text/plain")

    assert caught.value.resource == "clock"


def test_error_response_with_retry_after_sets_the_delay(answers: Answers) -> None:
    body = b"<Error><Code>SlowDown</Code></Error>"
    storage = storage_at("bucket", answers(503, body, {"Retry-After": "7"}))

    with pytest.raises(ServiceError) as caught:
        storage.upload("key", b"body", "text/plain")

    assert caught.value.retry_after == 7


def test_unreachable_s3_is_a_service_error() -> None:
    assert classification(lambda: storage_at("bucket", "http://127.0.0.1:1").size("key")) == SERVICE


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_endpoint_that_redirects_is_called_once_and_named(status: int) -> None:
    calls = []

    class Redirects(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # sends "100 Continue", for which boto3 would wait a second

        def answer(self) -> None:
            calls.append(self.path)
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            self.send_header("Connection", "close")
            self.send_header("Location", "/other")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_HEAD = do_PUT = answer  # noqa: N815 - http.server's names

        def log_message(self, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Redirects) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        storage = storage_at("bucket", f"http://127.0.0.1:{server.server_port}")
        for request in (
            lambda: storage.upload("key", b"body", "text/plain"),
            lambda: storage.download("key", io.BytesIO(), MOST),
            lambda: storage.size("key"),
        ):
            calls.clear()
            with pytest.raises(ServiceError, match="S3_ENDPOINT") as caught:
                request()
            assert caught.value.refuses_all
            assert len(calls) == 1
        server.shutdown()


@pytest.mark.parametrize("changed", [{"bucket": "no bucket"}, {"endpoint": "nonsense"}])
def test_configuration_that_botocore_rejects_refuses_all(changed: dict[str, str]) -> None:
    storage = storage_at(**{"bucket": "bucket", "endpoint": "http://127.0.0.1:1", **changed})

    assert classification(lambda: storage.upload("key", b"body", "text/plain")) == ALL


def test_connection_without_a_free_descriptor_is_a_machine_error(storage: Storage) -> None:
    storage.signed_url("key")  # creates the client

    with no_descriptors(), pytest.raises(MachineError) as caught:
        storage.read("key", MOST)

    assert caught.value.resource == "descriptors"


@pytest.mark.parametrize("content_type", ["text/html", "application/octet-stream"])
def test_success_of_a_server_that_is_not_s3_is_a_service_error(answers: Answers, content_type: str) -> None:
    """Such as a gateway with a login page: it stores nothing, and what it returns isn't the object."""
    page = b"<html>Log in.</html>"
    storage = storage_at("bucket", answers(200, page, {"Content-Type": content_type}))
    for request in (
        lambda: storage.upload("key", b"body", "text/plain"),
        lambda: storage.download("key", io.BytesIO(), MOST),
        lambda: storage.read("key", MOST),
        lambda: storage.find("key"),
    ):
        assert classification(request) == SERVICE


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
def test_rejected_credentials_are_fetched_again(
    answers: Answers, monkeypatch: pytest.MonkeyPatch, status: int, code: str | None, fresh: bool
) -> None:
    body = f"<Error><Code>{code}</Code></Error>".encode() if code else b""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDOLD")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    storage = storage_at("bucket", answers(status, body), access_key_id=None, secret_access_key=None)
    assert "AKIDOLD" in storage.signed_url("key")

    assert classification(lambda: storage.upload("key", b"body", "text/plain")) == SERVICE
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDNEW")

    assert ("AKIDNEW" in storage.signed_url("key")) is fresh
    storage.close()
    assert classification(lambda: storage.upload("key", b"body", "text/plain")) == (ALL if fresh else SERVICE)


def test_missing_credentials_refuse_all(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", f"{tmp_path}/none")
    monkeypatch.setenv("AWS_CONFIG_FILE", f"{tmp_path}/none")
    storage = storage_at("bucket", "http://127.0.0.1:1", access_key_id=None, secret_access_key=None)

    with pytest.raises(ServiceError, match="credentials") as caught:
        storage.signed_url("key")
    assert caught.value.refuses_all
