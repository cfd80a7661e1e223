"""Which repeated runs the death of a process explains. Any other repeated run is a broken invariant.

A job may run again for one reason only: the process that ran it was killed, or suspended past its lease,
before it settled the outcome. A lost connection or a restarted server explains none, because transitions may
be sent twice. So each process that was hit explains one more run: of the job that it was running.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from preppath_workers.store.consuming.consumer import ANSWER_TIMEOUT

from .observations import Fate, Happened, Observations
from .plan import RETRIES
from .record import Run

_GONE = Fate("gone")
#: Seconds that an outcome may stay unsettled: until a silent connection is noticed, and some more.
#: Restarts of Redis in between come on top.
_UNSETTLED = ANSWER_TIMEOUT + 5.0

#: Jobs with unexplained runs that are shown.
_SHOWN = 5


def unexplained(observations: Observations, prefix: str) -> list[str]:
    """Return the jobs that ran more often than their failures and their workers' deaths explain, each once
    for every such run. Poison jobs are left out."""
    record = observations.records[prefix]
    explained = Counter(
        run.job_id for run in {*_interrupted(observations, prefix), *late_runs(observations, prefix)}
    )
    found: list[str] = []
    for job_id, runs in record.by_job.items():
        if job_id[0] != "p":
            allowed = planned_runs(observations, prefix, job_id) + explained[job_id]
            found += [job_id] * (len(runs) - allowed)
    return found


def planned_runs(observations: Observations, prefix: str, job_id: str) -> int:
    """Return how often the job runs if no process is hit."""
    excused = observations.fates[prefix].get(job_id, _GONE).excused
    return 1 + (RETRIES + excused if job_id[0] == "f" else 0)


def evidence(observations: Observations) -> Iterator[str]:
    """Yield lines about the first jobs with unexplained runs: their runs, and what happened at the time."""
    repeated = [
        (prefix, job_id) for prefix in observations.records for job_id in unexplained(observations, prefix)
    ]
    for prefix, job_id in repeated[:_SHOWN]:
        runs = observations.records[prefix].by_job[job_id]
        yield f"{prefix} {job_id}"
        yield from (f"  {run.began:.2f} to {run.ended or 0:.2f} in {run.pid}" for run in runs)
        for happened in observations.happened:
            if runs[0].began - _UNSETTLED < happened.at < runs[-1].began:
                where = f" {happened.prefix} {happened.number}" if happened.prefix else ""
                pids = f", {', '.join(map(str, happened.pids))}" if happened.pids else ""
                yield f"  {happened.at:.2f} to {happened.until:.2f} {happened.trouble}{where}{pids}"


def unsettled_run(observations: Observations, prefix: str, pid: int, happened: Happened) -> Run | None:
    """Return the run that the process may not have settled when it was hit."""
    begun = [run for run in observations.records[prefix].by_pid.get(pid, ()) if run.began <= happened.until]
    if not begun:
        return None
    run = begun[-1]
    if run.ended is not None:
        waited = happened.at - run.ended - _seconds_without_redis(observations, run.ended, happened.at)
        return run if waited <= _UNSETTLED else None
    return run


def _seconds_without_redis(observations: Observations, since: float, until: float) -> float:
    """Return how long Redis was being restarted between these times. On a busy machine that takes long."""
    outages = (each for each in observations.happened if each.trouble == "restart Redis")
    return sum(max(0.0, min(each.until, until) - max(each.at, since)) for each in outages)


def idle_victims(observations: Observations, prefix: str) -> int:
    """Count the processes that were hit between two runs: each may have claimed a job and not recorded it
    yet."""
    victims = ((pid, happened) for happened in observations.hits(prefix) for pid in happened.pids)
    held = (unsettled_run(observations, prefix, pid, happened) for pid, happened in victims)
    return sum(run is None or run.ended is not None for run in held)


def _interrupted(observations: Observations, prefix: str) -> Iterator[Run]:
    for happened in observations.hits(prefix):
        for pid in happened.pids:
            if run := unsettled_run(observations, prefix, pid, happened):
                yield run


def late_runs(observations: Observations, prefix: str) -> Iterator[Run]:
    """Yield the first run of each resumed process: it may have been suspended between its claim and its
    handler's first line, which it writes after another worker has completed the job."""
    for happened in observations.hits(prefix):
        if happened.trouble == "stop past the lease":
            for pid in happened.pids:
                after = (
                    run
                    for run in observations.records[prefix].by_pid.get(pid, ())
                    if run.began > happened.until
                )
                yield from [*after][:1]
