from __future__ import annotations

import io
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from preppath_workers.clients.s3.client import ObjectInfo, Storage
from preppath_workers.config.model import StorageConfig
from preppath_workers.errors import MachineError, PermanentError, ServiceError

from .conftest import Answers
from .shortages import no_descriptors

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
    assert storage.find("key") == ObjectInfo(4, {"sha256": "abc"})
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
        with pytest.raises(ServiceError, match="no-such-bucket-here") as caught:
            request()
        assert (caught.value.service, caught.value.refuses_all) == ("s3", True)


def test_a_key_that_s3_can_not_take_is_permanent(storage: Storage) -> None:
    with pytest.raises(PermanentError):
        storage.download("", io.BytesIO())


#: What a table says of a failure: the job's own, the service's, or refused to every job.
JOB, SERVICE, ALL = "job", "service", "all"


def verdict(request: Callable[[], object]) -> str:
    """Whose failure it is."""
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
        (400, "RequestTimeout", SERVICE, SERVICE),
        (403, "AccessDenied", ALL, SERVICE),
        (403, "InvalidAccessKeyId", ALL, ALL),
        (403, "RequestTimeTooSkewed", ALL, ALL),
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
def test_answer_with_an_error_is_charged_to_its_cause(
    answers: Answers, status: int, code: str | None, write: str, read: str
) -> None:
    body = f"<Error><Code>{code}</Code><Message>No.</Message></Error>" if code else "a gateway's page"
    storage = make("bucket", answers(status, body.encode()))

    assert verdict(lambda: storage.upload("key", b"body", "text/plain")) == write
    assert verdict(lambda: storage.download("key", io.BytesIO())) == read
    assert verdict(lambda: storage.size("key")) == read, "HEAD, whose answer has no body"


def test_answer_with_retry_after_tells_when_to_ask_again(answers: Answers) -> None:
    body = b"<Error><Code>SlowDown</Code></Error>"
    storage = make("bucket", answers(503, body, {"Retry-After": "7"}))

    with pytest.raises(ServiceError) as caught:
        storage.upload("key", b"body", "text/plain")

    assert caught.value.retry_after == 7


def test_no_server_is_the_services_failure() -> None:
    assert verdict(lambda: make("bucket", "http://127.0.0.1:1").size("key")) == SERVICE


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_endpoint_that_redirects_is_asked_once_and_named(status: int) -> None:
    asked = []

    class Redirects(BaseHTTPRequestHandler):
        def answer(self) -> None:
            asked.append(self.path)
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_HEAD = do_PUT = answer  # noqa: N815 - http.server's names

        def log_message(self, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Redirects) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        storage = make("bucket", f"http://127.0.0.1:{server.server_port}")
        for request in (
            lambda: storage.upload("key", b"body", "text/plain"),
            lambda: storage.download("key", io.BytesIO()),
            lambda: storage.size("key"),
        ):
            asked.clear()
            with pytest.raises(ServiceError, match="S3_ENDPOINT") as caught:
                request()
            assert caught.value.refuses_all
            assert len(asked) == 1
        server.shutdown()


@pytest.mark.parametrize("changed", [{"bucket": "no bucket"}, {"endpoint": "nonsense"}])
def test_configuration_that_botocore_refuses_is_not_the_jobs_failure(changed: dict[str, str]) -> None:
    storage = make(**{"bucket": "bucket", "endpoint": "http://127.0.0.1:1", **changed})

    assert verdict(lambda: storage.upload("key", b"body", "text/plain")) == ALL


def test_full_disk_of_a_download_is_the_machines_failure(storage: Storage) -> None:
    storage.upload("key", bytes(1_000_000), "text/plain")

    with Path("/dev/full").open("wb", buffering=0) as file, pytest.raises(MachineError) as caught:
        storage.download("key", file)

    assert caught.value.resource == "disk"


def test_connection_without_a_free_descriptor_is_the_machines_failure(storage: Storage) -> None:
    storage.signed_url("key")  # the client is made

    with no_descriptors(), pytest.raises(MachineError) as caught:
        storage.read("key")

    assert caught.value.resource == "descriptors"


def test_a_download_that_breaks_off_is_the_services_failure(answers: Answers) -> None:
    storage = make("bucket", answers(200, b"half", {"Content-Length": "8", "Connection": "close"}))

    assert verdict(lambda: storage.download("key", io.BytesIO())) == SERVICE


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

    assert verdict(lambda: storage.upload("key", b"body", "text/plain")) == SERVICE
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDNEW")

    assert ("AKIDNEW" in storage.signed_url("key")) is fresh
    storage.close()
    assert verdict(lambda: storage.upload("key", b"body", "text/plain")) == (ALL if fresh else SERVICE)


def test_no_credentials_at_all_hold_the_queue(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", f"{tmp_path}/none")
    monkeypatch.setenv("AWS_CONFIG_FILE", f"{tmp_path}/none")
    storage = make("bucket", "http://127.0.0.1:1", access_key_id=None, secret_access_key=None)

    with pytest.raises(ServiceError, match="credentials") as caught:
        storage.signed_url("key")
    assert caught.value.refuses_all
