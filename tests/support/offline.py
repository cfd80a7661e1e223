"""The offline provider as a process: `preppath-workers offline`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from preppath_workers.offline.engines.packages import missing_packages

from .process import HOST, Server

#: Any key will do.
API_KEY = "offline"


def is_installed() -> bool:
    """Return whether the extra `[offline]` is installed."""
    return not missing_packages()


class OfflineServer(Server):
    """The server with its engines loaded; `start` takes some seconds."""

    @property
    def base_url(self) -> str:
        """`http://…/v1`, for OPENAI_BASE_URL."""
        return f"http://{HOST}:{self.port}/v1"

    def command(self) -> Sequence[str]:
        return [sys.executable, "-m", "preppath_workers", "offline", "--port", str(self.port)]
