"""S3 (moto's server): buckets in memory, any credentials accepted."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import boto3

from .process import HOST, Server

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class S3Server(Server):
    """An empty S3 that keeps its objects in memory."""

    @property
    def endpoint(self) -> str:
        """`http://…`, for boto3's `endpoint_url`."""
        return f"http://{HOST}:{self.port}"

    def command(self) -> Sequence[str]:
        return [sys.executable, "-m", "moto.server", "--host", HOST, "--port", str(self.port)]

    def client(self) -> S3Client:
        return client_of(self.endpoint)


def client_of(endpoint: str) -> S3Client:
    """Return a boto3 client."""
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
