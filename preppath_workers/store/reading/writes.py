"""Whether the server accepts writes and keeps them. Out of memory, out of disk or as a replica it only
answers reads."""

from __future__ import annotations

from redis.exceptions import ResponseError

from ..refusals import described, eviction
from .reader import QueueReader


def refusal(queue: QueueReader) -> str | None:
    """Return Redis's error for a write to this queue, or that it may evict what was written; None if all is
    well."""
    try:
        _, policy = queue.call("try_write")
    except ResponseError as error:
        return f"Redis refuses writes: {described(error)}"
    return eviction(policy)
