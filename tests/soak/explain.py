"""Which runs of a job a process's death explains. Every other repeated run is a broken invariant.

A job may run again for one reason alone: the process that had it was killed, or stood still past its lease,
before the outcome was settled. A lost connection or a restarted server explains none: a transition may be
sent twice. So each process that is struck explains one run more: of the job that it was running.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from .observations import Happened, Observations
from .plan import RETRIES
from .record import Record, Run

#: Seconds that an outcome may be kept before it is settled: a silent connection is noticed after ten, and the
#: next try may wait some more.
_UNSETTLED = 15.0


def unexplained(observations: Observations, prefix: str) -> list[str]:
    """Jobs with more runs than their failures and their workers' deaths explain, poison aside; each as often
    as that."""
    record = observations.records[prefix]
    explained = Counter(run.job_id for run in {*_struck(observations, prefix), *_late(observations, prefix)})
    found: list[str] = []
    for job_id, runs in record.by_job.items():
        if job_id[0] != "p":
            allowed = 1 + (RETRIES if job_id[0] == "f" else 0) + explained[job_id]
            found += [job_id] * (len(runs) - allowed)
    return found


def evidence(observations: Observations, most: int = 5) -> Iterator[str]:
    """Lines about the first jobs that ran again without a reason: their runs, and what happened around."""
    repeated = [
        (prefix, job_id) for prefix in observations.records for job_id in unexplained(observations, prefix)
    ]
    for prefix, job_id in repeated[:most]:
        runs = observations.records[prefix].by_job[job_id]
        yield f"{prefix} {job_id}"
        yield from (f"  {run.began:.2f} to {run.ended or 0:.2f} in {run.pid}" for run in runs)
        for happened in observations.happened:
            if runs[0].began - _UNSETTLED < happened.at < runs[-1].began:
                where = f" {happened.prefix} {happened.number}" if happened.prefix else ""
                struck = f", {', '.join(map(str, happened.pids))}" if happened.pids else ""
                yield f"  {happened.at:.2f} to {happened.until:.2f} {happened.trouble}{where}{struck}"


def in_hand(record: Record, pid: int, happened: Happened) -> Run | None:
    """What the process had begun and may not have settled when it was struck."""
    begun = [run for run in record.by_pid.get(pid, ()) if run.began <= happened.until]
    if not begun or (begun[-1].ended is not None and begun[-1].ended < happened.at - _UNSETTLED):
        return None
    return begun[-1]


def idle_victims(observations: Observations, prefix: str) -> int:
    """Processes that were struck between two runs: each may have claimed a job and not yet said so."""
    record = observations.records[prefix]
    victims = ((pid, happened) for happened in observations.strikes(prefix) for pid in happened.pids)
    held = (in_hand(record, pid, happened) for pid, happened in victims)
    return sum(run is None or run.ended is not None for run in held)


def _struck(observations: Observations, prefix: str) -> Iterator[Run]:
    for happened in observations.strikes(prefix):
        for pid in happened.pids:
            if run := in_hand(observations.records[prefix], pid, happened):
                yield run


def _late(observations: Observations, prefix: str) -> Iterator[Run]:
    """A process may stand still after its claim and before its handler's first line: it writes that line when
    somebody else has long done the job."""
    for happened in observations.strikes(prefix):
        if happened.trouble == "stop past the lease":
            for pid in happened.pids:
                after = (
                    run
                    for run in observations.records[prefix].by_pid.get(pid, ())
                    if run.began > happened.until
                )
                yield from [*after][:1]
