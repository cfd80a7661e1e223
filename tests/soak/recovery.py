"""How soon a job runs again after its process was killed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from preppath_workers.store.consuming.consumer import ANSWER_TIMEOUT

from .explain import unsettled_run
from .observations import Happened, Observations
from .plan import LEASE, Trouble
from .record import Record, Run

#: Seconds until a job runs again after such a death: the 99th percentile must be below.
LIMITS: dict[Trouble, float] = {"kill a process": 1.0, "kill a supervisor": LEASE + 2}

#: Seconds after a restart of Redis during which workers may still back off.
_BACK = 3.0

#: Seconds until a supervisor that was resumed or restarted has all its workers.
_SETTLED = LEASE + 5.0


@dataclass(frozen=True)
class Recovery:
    """Seconds from a death to the next run of the interrupted job. `fell_silent`: the job was recovered in
    time, but the worker that fetched it had a silent connection, which it noticed when the answer was
    overdue."""

    seconds: float
    fell_silent: bool


def recoveries(observations: Observations, trouble: Trouble) -> Iterator[Recovery]:
    """Yield a recovery for each death, except for those near another trouble that delays it: without a
    server no job is recovered, and if the supervisor died too, the lease must expire first."""
    for happened in observations.happened:
        if happened.trouble != trouble or any(
            _overshadows(other, happened) for other in observations.happened
        ):
            continue
        record = observations.records[happened.prefix]
        for pid in happened.pids:
            run = unsettled_run(observations, happened.prefix, pid, happened)
            if run is None or run.ended is not None or run.job_id[0] == "p":
                continue
            again = record.next_run(run.job_id, happened.at)
            # A job that never ran again is lost or was killed too often: no recovery to time.
            if again is not None:
                yield Recovery(again.began - happened.at, _fell_silent(observations, record, again))


def _fell_silent(observations: Observations, record: Record, run: Run) -> bool:
    """Return whether its worker was idle for as long as it waits for an answer, and a connection was cut
    meanwhile."""
    earlier = [other for other in record.by_pid[run.pid] if other.began < run.began]
    if not earlier:
        return False
    idle_since = earlier[-1].ended or earlier[-1].began
    return run.began - idle_since >= ANSWER_TIMEOUT and any(
        happened.trouble == "cut silently" and idle_since < happened.at < run.began
        for happened in observations.happened
    )


def _overshadows(other: Happened, happened: Happened) -> bool:
    limit = LIMITS[happened.trouble]
    if other.trouble == "restart Redis":
        return other.until - happened.at > -_BACK and other.at - happened.at < limit
    if other is happened or other.trouble not in ("kill a supervisor", "stop past the lease"):
        return False
    # Another supervisor's trouble matters if that supervisor would have noticed this death.
    theirs = other.number == happened.number or happened.trouble == "kill a supervisor"
    return theirs and other.prefix == happened.prefix and -_SETTLED < other.at - happened.at < limit
