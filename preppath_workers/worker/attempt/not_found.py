"""How long a job waits for something that it names and that does not exist yet.

Producers add jobs before they commit the transaction with the job's row, or before an upload has ended.
"""

from __future__ import annotations

from ...store.job import Job

#: How long after a job was added what it names may still be on its way (ms).
_YOUNG = 60_000

#: The first pause (ms). A later one is as long as the job is old, so they double.
_FIRST_PAUSE = 1_000


def pause_ms(job: Job) -> int | None:
    """Return how long to wait before the next look; None if the job is too old for another.

    Both times are the server's. If it was set back, the job may seem to be added in the future.
    """
    added, started = job.created_at or job.queued_at, job.started_at
    if added is None or started is None or abs(started - added) >= _YOUNG:
        return None
    return max(_FIRST_PAUSE, started - added)
