"""The invariants, compared with what was observed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from preppath_workers.store.consuming.consumer import ANSWER_TIMEOUT
from tests.support.report import p50_p99

from .explain import idle_victims, late_runs, planned_runs, unexplained
from .observations import Fate, Observations
from .plan import BACKOFF, RECOVERIES, RETRIES, WORKERS, Trouble
from .recovery import LIMITS, recoveries

_GONE = Fate("gone")

#: Seconds by which the server's clock, in whole ms, and that of a handler may differ.
_CLOCKS = 0.002


@dataclass(frozen=True)
class Row:
    """One invariant: what was seen, what was allowed, and whether it holds. `is_timing`: it may fail on a
    machine that is short of CPU, without a fault of ours."""

    invariant: str
    seen: str
    allowed: str
    holds: bool
    is_timing: bool = False


def judge(observations: Observations) -> list[Row]:
    return [
        _none("troubles that were not made", [*_not_made(observations)]),
        _none(
            "jobs that were not accepted",
            ["jobs"] * (observations.plan.jobs - sum(map(len, observations.accepted.values()))),
        ),
        _none("jobs lost", [*_lost(observations)]),
        _none("jobs stranded", [*_stranded(observations)]),
        *_runs(observations),
        *_poison(observations),
        _none("jobs run by the other prefix's workers", [*_elsewhere(observations)]),
        _none("delayed jobs and retries started early", [*_early(observations)]),
        _none("supervisors' exit codes that are not 0", [code for code in observations.exit_codes if code]),
        _none("finished jobs without a time to live", [*_everlasting(observations)]),
        *(_none(f"left: {what}", left) for what, left in observations.leaks.items()),
        _none("live instances taken for dead", observations.presumed_dead, is_timing=True),
        _timing(observations, "kill a process", "a job's next start after its worker was killed"),
        _timing(observations, "kill a supervisor", "a job's next start after its supervisor was killed"),
        _silent(observations),
    ]


def _not_made(observations: Observations) -> Iterator[str]:
    """Yield the planned troubles that hit nothing: a soak in which nothing happened must fail."""
    for trouble, times in observations.plan.troubles.items():
        yield from [trouble] * (times - observations.count(trouble))


def _lost(observations: Observations) -> Iterator[str]:
    """Yield accepted jobs that never ended as planned, or of which Redis has no trace."""
    for prefix, jobs in observations.accepted.items():
        record, fates = observations.records[prefix], observations.fates[prefix]
        for job_id in jobs:
            fate, runs = fates.get(job_id, _GONE), record.by_job.get(job_id, ())
            # Rarely, a job's workers are killed once too often.
            was_unlucky = fate.reason == "worker-died" and len(runs) > RECOVERIES
            if job_id[0] in "dn" and not was_unlucky:
                if fate.state != "completed" or not record.has_ended(job_id):
                    yield job_id
            elif job_id[0] == "f" and not was_unlucky:
                if (fate.state, fate.reason) != ("failed", "retries") or len(runs) <= RETRIES:
                    yield job_id
            elif fate is _GONE:
                yield job_id


def _stranded(observations: Observations) -> Iterator[str]:
    return (
        job_id
        for fates in observations.fates.values()
        for job_id, fate in fates.items()
        if fate.state not in ("completed", "failed")
    )


def _runs(observations: Observations) -> Iterator[Row]:
    """A lease that ran out although its instance was alive explains one run of each of its workers. That
    happens only on a machine that cannot keep up."""
    repeated = sum(
        max(0, len(runs) - planned_runs(observations, prefix, job_id))
        for prefix, record in observations.records.items()
        for job_id, runs in record.by_job.items()
        if job_id[0] != "p"
    )
    struck = sum(len(happened.pids) for happened in observations.happened)
    found = [job_id for prefix in observations.records for job_id in unexplained(observations, prefix)]
    allowed = WORKERS * len(observations.presumed_dead)
    yield Row(
        "repeated runs", f"{repeated}", f"{struck}: processes killed or stopped", repeated <= struck + allowed
    )
    yield Row("repeated runs that no death explains", _listed(found), str(allowed), len(found) <= allowed)


def _poison(observations: Observations) -> Iterator[Row]:
    """A poison job runs once more than it may be recovered. Handlers note each of these runs, unless the
    worker was killed after the claim and before the handler's first line; or too late, if it was suspended
    there, when others may have run the job as often as it may run."""
    wrong: list[str] = []
    unseen: list[str] = []
    for prefix, fates in observations.fates.items():
        late = Counter(run.job_id for run in late_runs(observations, prefix))
        for job_id, fate in fates.items():
            if job_id[0] == "p":
                runs = len(observations.records[prefix].by_job.get(job_id, ()))
                unseen += [job_id] * (RECOVERIES + 1 - runs)
                counted = (fate.state, fate.reason, fate.recoveries) == (
                    "failed",
                    "worker-died",
                    RECOVERIES + 1,
                )
                if not counted or runs > RECOVERIES + 1 + late[job_id]:
                    wrong.append(f"{job_id} ({fate.state}, {fate.recoveries} recoveries, {runs} runs)")
    allowed = sum(idle_victims(observations, prefix) for prefix in observations.records)
    yield _none("poison jobs not dead after exactly the limit", wrong)
    yield Row(
        "poison jobs' runs that no handler saw",
        _listed(unseen),
        f"{allowed}: processes struck between two runs",
        len(unseen) <= allowed,
    )


def _elsewhere(observations: Observations) -> Iterator[str]:
    for prefix, record in observations.records.items():
        yield from (job_id for job_id in record.by_job if job_id not in observations.accepted[prefix])


def _early(observations: Observations) -> Iterator[str]:
    for prefix, jobs in observations.accepted.items():
        hit = {pid for happened in observations.hits(prefix) for pid in happened.pids}
        for job_id, (job, added) in jobs.items():
            runs = observations.records[prefix].by_job.get(job_id, ())
            if runs and runs[0].began < added + job.delay - _CLOCKS:
                yield job_id
            # A failure that isn't settled when its worker dies doesn't count: the next run isn't a retry.
            for failed, retry in pairwise(run for run in runs if run.pid not in hit):
                if failed.failed and failed.ended and retry.began < failed.ended + BACKOFF - _CLOCKS:
                    yield job_id


def _everlasting(observations: Observations) -> Iterator[str]:
    for fates in observations.fates.values():
        yield from (id_ for id_, fate in fates.items() if fate.state == "completed" and not fate.expires)


def _timing(observations: Observations, trouble: Trouble, invariant: str) -> Row:
    times = [recovery.seconds for recovery in recoveries(observations, trouble) if not recovery.fell_silent]
    limit = LIMITS[trouble]
    if len(times) < 2:
        return Row(invariant, f"{len(times)} seen", f"p99 {limit:g} s", True, is_timing=True)
    p50, p99 = p50_p99(times)
    measured = f"p50 {p50:.3f} s, p99 {p99:.3f} s, {max(times):.3f} s at most, of {len(times)}"
    return Row(invariant, measured, f"p99 {limit:g} s", p99 <= limit, is_timing=True)


def _silent(observations: Observations) -> Row:
    """Each silent cut may lose one answer, and delay one job."""
    found = [
        (recovery.seconds, LIMITS[trouble] + ANSWER_TIMEOUT)
        for trouble in LIMITS
        for recovery in recoveries(observations, trouble)
        if recovery.fell_silent
    ]
    cuts = observations.count("cut silently")
    holds = len(found) <= cuts and all(seconds <= limit for seconds, limit in found)
    measured = ", ".join(f"{seconds:.1f} s" for seconds, _ in found)
    return Row(
        "of such jobs, those delayed by a silent connection",
        f"{len(found)} ({measured})" if found else "0",
        f"{cuts}: cuts; the same and {ANSWER_TIMEOUT:g} s",
        holds,
        is_timing=True,
    )


def _none(invariant: str, found: Sequence[object], is_timing: bool = False) -> Row:
    return Row(invariant, _listed(found), "0", not found, is_timing)


def _listed(things: Sequence[object]) -> str:
    """Return how many there are, and the first of them."""
    some = ", ".join(map(str, things[:5]))
    return f"{len(things)} ({some})" if things else "0"
