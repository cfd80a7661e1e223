"""Rate limiting of jobs that make several paid requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..clients.usage import Meter
from ..registry import JobContext

Value = TypeVar("Value")


class PaidRequests:
    """The paid requests of one attempt. Starting the attempt acquires the first token; each further request
    acquires its own."""

    def __init__(self, context: JobContext) -> None:
        self._context = context
        self._made = 0

    @property
    def meter(self) -> Meter:
        """What records the requests."""
        return self._context

    def make(self, request: Callable[[], Value]) -> Value:
        """Return the request's result, made when the rate limit allows it. Raises JobLost, Snooze, and what
        the request raises."""
        if self._made:
            self._context.acquire_token()
        self._made += 1
        return request()
