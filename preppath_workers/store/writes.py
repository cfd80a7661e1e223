"""Whether the server takes writes. Out of memory, out of disk or as a replica it still answers questions."""

from __future__ import annotations

from redis.exceptions import ResponseError

from .reader import QueueReader


def refusal(queue: QueueReader) -> str | None:
    """What Redis says instead of taking a write to this queue; None if it takes it."""
    try:
        queue.call("try_write")
    except ResponseError as error:
        # What follows in a script's error is our own file and line.
        return f"Redis refuses writes: {str(error).partition(' script: ')[0]}"
    return None
