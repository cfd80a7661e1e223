"""How soon a job runs again whose process was killed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from preppath_workers.store.consumer import ANSWER_TIMEOUT

from .explain import in_hand
from .observations import Happened, Observations
from .plan import LEASE, Trouble
from .record import Record, Run

#: Seconds in which a job runs again after such a death: the 99th of a hundred.
LIMITS: dict[Trouble, float] = {"kill a child": 1.0, "kill a supervisor": LEASE + 2}

#: Seconds after a restart of Redis in which workers may still wait before they try to reach it again.
_BACK = 3.0

#: Seconds in which a supervisor that stood still, or was started again, has its workers again.
_SETTLED = LEASE + 5.0


@dataclass(frozen=True)
class Recovery:
    """Seconds from a death to the next run of the job that was running. `fell_silent`: it was taken back in
    time and fell to a worker that could not know, for its connection had gone silent while it waited for the
    answer; that is noticed when the answer is overdue."""

    seconds: float
    fell_silent: bool


def recoveries(observations: Observations, trouble: Trouble) -> Iterator[Recovery]:
    """Left out are deaths with another trouble so near that it is the one that counts: without a server
    nobody recovers, and where the supervisor is gone as well the lease must run out first."""
    for happened in observations.happened:
        if happened.trouble != trouble or any(
            _overshadows(other, happened) for other in observations.happened
        ):
            continue
        record = observations.records[happened.prefix]
        for pid in happened.pids:
            run = in_hand(record, pid, happened)
            if run is None or run.ended is not None or run.job_id[0] == "p":
                continue
            again = record.next_run(run.job_id, happened.at)
            # A job that never ran again is lost, or was killed once too often: not a matter of time.
            if again is not None:
                yield Recovery(again.began - happened.at, _fell_silent(observations, record, again))


def _fell_silent(observations: Observations, record: Record, run: Run) -> bool:
    """Whether its worker did nothing before for as long as it waits for an answer, and a connection was cut
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
    # Another supervisor's trouble matters where it would be the one to notice this death.
    theirs = other.number == happened.number or happened.trouble == "kill a supervisor"
    return theirs and other.prefix == happened.prefix and -_SETTLED < other.at - happened.at < limit
