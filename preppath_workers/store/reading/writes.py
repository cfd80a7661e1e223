"""Whether the server accepts writes. Out of memory, out of disk or as a replica it only answers reads."""

from __future__ import annotations

from redis.exceptions import ResponseError

from ..refusals import described
from .reader import QueueReader


def refusal(queue: QueueReader) -> str | None:
    """Return Redis's error for a write to this queue; None if it accepts writes."""
    try:
        queue.call("try_write")
    except ResponseError as error:
        return f"Redis refuses writes: {described(error)}"
    return None
