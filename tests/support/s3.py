"""S3 (moto's server): buckets in memory, any credentials accepted."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from .process import HOST, Server


class S3Server(Server):
    """An empty S3 that keeps its objects in memory."""

    @property
    def endpoint(self) -> str:
        """`http://…`, for boto3's `endpoint_url`."""
        return f"http://{HOST}:{self.port}"

    def command(self) -> Sequence[str]:
        return [sys.executable, "-m", "moto.server", "--host", HOST, "--port", str(self.port)]
