"""Dead letters without the attempts that lead to them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from preppath_workers import Queue

#: What a job died of, unless a test says otherwise.
ERROR = {"class": "TransientError", "message": "500"}


def add_dead_letters(
    queue: Queue,
    *ids: str,
    reason: str = "retries",
    error: Mapping[str, str] = ERROR,
    age: float = 0,
    **fields: str | int,
) -> None:
    """Append them to the queue's dead letters, the oldest first, as if each had died `age` seconds ago.

    Other fields of the jobs' hashes are given by their names in Redis.
    """
    ended = queue.now() - round(age * 1_000)
    job: dict[Any, Any] = {
        "data": "{}",
        "state": "failed",
        "priority": 50,
        "createdAt": ended,
        "finishedAt": ended,
        "reason": reason,
        "error": json.dumps(error),
        **fields,
    }
    with queue.redis.pipeline() as pipeline:
        for job_id in ids:
            pipeline.hset(queue.keys.job(job_id), mapping=job)
            pipeline.lpush(queue.keys.dead, job_id)
        pipeline.execute()
