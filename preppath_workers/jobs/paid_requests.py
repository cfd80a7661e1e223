"""Keeps a job that makes several paid requests within its queue's rate limit."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..registry import JobContext

Value = TypeVar("Value")


class PaidRequests:
    """Makes the paid requests of one attempt. Its start has paid for the first one; each further one spends a
    token of its own."""

    def __init__(self, context: JobContext) -> None:
        self._context = context
        self._made = 0

    def make(self, request: Callable[[], Value]) -> Value:
        """Makes the request, once the rate limit allows it. Raises JobLost, and what the request raises."""
        if self._made:
            self._context.acquire_token()
        self._made += 1
        return request()
