"""S3 (moto's server): buckets in memory, any credentials accepted."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType
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


def client_of(endpoint: str, settings: Mapping[str, str] = MappingProxyType({})) -> S3Client:
    """Return a boto3 client, with the product's variables."""
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=settings.get("S3_REGION", "us-east-1"),
        aws_access_key_id=settings.get("S3_ACCESS_KEY_ID", "test"),
        aws_secret_access_key=settings.get("S3_SECRET_ACCESS_KEY", "test"),
    )
