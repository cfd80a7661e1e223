"""Loads what boto3 needs for a first request before the workers are forked, so that they share its memory."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError

if TYPE_CHECKING:  # The stubs are a development dependency.
    from mypy_boto3_s3 import S3Client

#: The URL of the canned responses; no request is sent to it.
_URL = "http://127.0.0.1/"

_FOUND: Any = {
    "Content-Length": "0",
    "Content-Type": "",
    "Last-Modified": "Thu, 01 Jan 1970 00:00:00 GMT",
    "ETag": '"preload"',
}
_NO_HEADERS: Any = {}
_MISSING = b"<Error><Code>NoSuchKey</Code><Message></Message></Error>"


def preload(client: S3Client) -> None:
    """Make a request of each kind, and two for an object that doesn't exist. No connection is opened: the
    responses are canned."""
    events = client.meta.events
    events.register_first("before-send.s3", _answer)
    try:
        client.head_object(Bucket="preload", Key="preload")
        client.get_object(Bucket="preload", Key="preload")["Body"].read()
        for look in (client.head_object, client.get_object):
            with suppress(ClientError):
                look(Bucket="preload", Key="missing")
        client.put_object(Bucket="preload", Key="preload", Body=b"", ContentType="", Metadata={"a": "b"})
        client.generate_presigned_url("get_object", Params={"Bucket": "preload", "Key": "preload"})
    finally:
        events.unregister("before-send.s3", _answer)


def _answer(request: Any, **_: Any) -> Any:
    if request.url.endswith("missing"):
        return AWSResponse(_URL, 404, _NO_HEADERS, _Body(b"" if request.method == "HEAD" else _MISSING))
    return AWSResponse(_URL, 200, _FOUND, _Body(b""))


class _Body:
    """A body, as urllib3 gives one."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_: Any) -> list[bytes]:
        return [self._content]

    def read(self, *_: Any) -> bytes:
        return b""
