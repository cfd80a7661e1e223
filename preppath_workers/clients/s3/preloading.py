"""Loads what boto3 needs for a first request before the workers are forked, so that they share its memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSResponse

if TYPE_CHECKING:  # The stubs are a development dependency.
    from mypy_boto3_s3 import S3Client

#: The URL of the canned responses; no request is sent to it.
_URL = "http://127.0.0.1/"


def preload(client: S3Client) -> None:
    """Make a request of each kind. No connection is opened: the responses are canned."""
    events = client.meta.events
    events.register_first("before-send.s3", _answer)
    try:
        client.head_object(Bucket="preload", Key="preload")
        client.get_object(Bucket="preload", Key="preload")["Body"].read()
        client.put_object(Bucket="preload", Key="preload", Body=b"", ContentType="", Metadata={"a": "b"})
        client.generate_presigned_url("get_object", Params={"Bucket": "preload", "Key": "preload"})
    finally:
        events.unregister("before-send.s3", _answer)


def _answer(**_: Any) -> Any:
    headers: Any = {"Content-Length": "0", "ETag": '"preload"'}
    return AWSResponse(_URL, 200, headers, _Body())


class _Body:
    """An empty body, as urllib3 gives one."""

    def stream(self, **_: Any) -> list[bytes]:
        return []

    def read(self, *_: Any) -> bytes:
        return b""
