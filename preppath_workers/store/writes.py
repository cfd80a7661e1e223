"""Whether the server accepts writes. Out of memory, out of disk or as a replica it only answers reads."""

from __future__ import annotations

from redis.exceptions import ResponseError

from .reader import QueueReader


def refusal(queue: QueueReader) -> str | None:
    """Return Redis's error for a write to this queue; None if it accepts writes."""
    try:
        queue.call("try_write")
    except ResponseError as error:
        # The rest of a script's error names the script's line.
        return f"Redis refuses writes: {str(error).partition(' script: ')[0]}"
    return None
