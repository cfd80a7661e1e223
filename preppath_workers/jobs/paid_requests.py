"""Jobs that make several paid requests: the rate limit and the time limit apply to each."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from ..errors import Snooze
from ..registry import JobContext

Value = TypeVar("Value")

#: How many times as long as the longest request a further one may take.
_MARGIN = 1.5


class PaidRequests:
    """The paid requests of one attempt. Starting the attempt acquires the first token; each further request
    acquires its own.

    A further request for which the time limit leaves no room is left to the next attempt: it would be
    interrupted, paid for again, and counted. So the results of requests have to be stored as steps.
    """

    def __init__(self, context: JobContext) -> None:
        self.context = context
        self._made = 0
        #: Seconds that the longest request took.
        self._longest = 0.0

    def make(self, request: Callable[[], Value]) -> Value:
        """Return the request's result, made when the rate limit allows it. Raises JobLost, Snooze, and what
        the request raises."""
        if self._made:
            if self.context.time_left < _MARGIN * self._longest:
                raise Snooze("the time limit leaves no room for the next request")
            self.context.acquire_token()
        self._made += 1
        begun = time.monotonic()
        value = request()
        self._longest = max(self._longest, time.monotonic() - begun)
        return value
