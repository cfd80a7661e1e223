"""The OpenAI-compatible server as a process: start it, order faults, read its calls."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import requests

from tests.support.process import HOST, Server


class OpenAIServer(Server):
    """The server as a process. `latency`: the least seconds of each response."""

    def __init__(self, port: int | None = None, latency: float = 0.0) -> None:
        super().__init__(port)
        self._latency = latency

    @property
    def base_url(self) -> str:
        """`http://…/v1`, for the SDK's `base_url`."""
        return f"http://{HOST}:{self.port}/v1"

    def command(self) -> Sequence[str]:
        module = [sys.executable, "-m", "tests.fake_openai"]
        return [*module, "--port", str(self.port), "--latency", str(self._latency)]

    def order(self, *faults: Mapping[str, Any]) -> None:
        """Order faults, with the fields of `faults.Fault`; matching requests consume them in this order."""
        self._ask("POST", "faults", list(faults))

    def calls(self, path: str | None = None) -> list[dict[str, Any]]:
        """Return the calls so far, oldest first; only those of `path` if it is given."""
        calls: list[dict[str, Any]] = self._ask("GET", "calls").json()
        return [call for call in calls if path in (None, call["path"])]

    def limit_rate(self, requests: int, tokens: int, span: float) -> None:
        """Limit the rate to these requests and tokens per `span` seconds, from now on."""
        self._ask("POST", "rate_limit", {"requests": requests, "tokens": tokens, "span": span})

    def reset(self) -> None:
        """Remove all faults, calls and the rate limit."""
        self._ask("DELETE", "")

    def _ask(self, method: str, path: str, body: object = None) -> requests.Response:
        url = f"http://{HOST}:{self.port}/control/{path}".rstrip("/")
        answer = requests.request(method, url, json=body, timeout=10)
        answer.raise_for_status()
        return answer
