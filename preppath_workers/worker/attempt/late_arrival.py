"""A job that names something which does not exist, and may be on its way.

Producers add jobs before they commit the transaction with the job's row, or before an upload has ended.
"""

from __future__ import annotations

from ...errors import JobError, PermanentError, Snooze
from ...store.job import Job

#: How long after a job was added what it names may still be on its way (ms).
_YOUNG = 60_000

#: The shortest pause (ms), and how many times as long as the job is old the others are: the looks are few,
#: because each start takes a token of the rate limit.
_SHORTEST, _GROWTH = 1_000, 4

#: The most times that a job was released before its last look. Looks in time are fewer, but a test may make
#: delayed jobs due at once, as `drain` does.
_MOST_RELEASES = 20

#: What to do when there are no more looks.
_ADVICE = "if it exists by now, replay the job; add jobs after the commit or upload"


def not_found(job: Job, message: str) -> JobError:
    """Return the error that ends the attempt: Snooze while there are more looks, else PermanentError."""
    if pause := pause_ms(job):
        return Snooze(f"{message} yet", pause / 1000)
    return PermanentError(f"{message}: {_ADVICE}")


def pause_ms(job: Job) -> int | None:
    """Return how long to wait before the next look; None if the job is too old for another."""
    # Both times are the server's. If it was set back, the job seems to be added in the future.
    added, started = job.created_at, job.started_at
    if added is None or started is None or abs(started - added) >= _YOUNG:
        return None
    if job.releases >= _MOST_RELEASES:
        return None
    age = started - added
    return max(_SHORTEST, min(_GROWTH * age, _YOUNG - age))
