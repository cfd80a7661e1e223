"""A rate limit as a vendor has it: buckets of requests and of tokens that refill continuously."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

from preppath_workers.offline.api.errors import ApiError


class _Bucket:
    """Holds `limit` units; an empty bucket is full again after `span` seconds."""

    def __init__(self, limit: float, span: float) -> None:
        self.limit, self.span = limit, span
        self.left = float(limit)
        self.at = time.monotonic()

    def fill(self) -> None:
        now = time.monotonic()
        self.left = min(self.limit, self.left + (now - self.at) * self.limit / self.span)
        self.at = now

    def change(self, limit: float, span: float) -> None:
        self.fill()
        self.limit, self.span = limit, span
        self.left = min(self.left, limit)

    @property
    def reset(self) -> float:
        """Seconds until it is full."""
        return (self.limit - self.left) * self.span / self.limit


class RateLimit:
    """The limit in force, which a test may change at any time; without one, nothing is limited."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._buckets: dict[str, _Bucket] = {}

    def set(self, limits: Mapping[str, Any]) -> None:
        """Set `{"requests", "tokens", "span"}`: units per `span` seconds. What is left stays, at most the new
        limit."""
        with self._lock:
            for name in ("requests", "tokens"):
                if name in self._buckets:
                    self._buckets[name].change(limits[name], limits["span"])
                else:
                    self._buckets[name] = _Bucket(limits[name], limits["span"])

    def take(self, tokens: int) -> dict[str, str]:
        """Take one request of this many tokens; return headers that tell of it. Raises ApiError (429), with
        the headers, if there is too little."""
        with self._lock:
            if not self._buckets:
                return {}
            for bucket in self._buckets.values():
                bucket.fill()
            costs = {"requests": 1, "tokens": tokens}
            short = [name for name, bucket in self._buckets.items() if bucket.left < costs[name]]
            if not short:
                for name, bucket in self._buckets.items():
                    bucket.left -= costs[name]
            headers = self._headers()
        if short:
            raise Limited(short[0], headers)
        return headers

    def clear(self) -> None:
        with self._lock:
            self._buckets.clear()

    def _headers(self) -> dict[str, str]:
        headers = {}
        for name, bucket in self._buckets.items():
            headers[f"x-ratelimit-limit-{name}"] = str(int(bucket.limit))
            headers[f"x-ratelimit-remaining-{name}"] = str(int(bucket.left))
            headers[f"x-ratelimit-reset-{name}"] = _as_duration(bucket.reset)
        return headers


class Limited(ApiError):
    """Raised for a request over the limit."""

    def __init__(self, name: str, headers: Mapping[str, str]) -> None:
        super().__init__(429, f"Rate limit reached for {name}.", "rate_limit_exceeded", None, name)
        self.headers = dict(headers)


def _as_duration(seconds: float) -> str:
    if seconds < 1:
        return f"{int(seconds * 1000)}ms"
    minutes, rest = divmod(round(seconds, 3), 60)
    return f"{int(minutes)}m{rest:g}s" if minutes else f"{rest:g}s"
