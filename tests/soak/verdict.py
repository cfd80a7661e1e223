"""What was promised, held against what was seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.report import p50_p99

from .plan import LEASE, RECOVERIES, RETRIES
from .record import Record
from .trial import Happened, Seen

#: Seconds from a trouble of the whole queue, or of a whole supervisor, until all is as it was.
_DISTURBANCE = 3.0


@dataclass(frozen=True)
class Row:
    """One promise: what was seen, what was allowed, and whether it holds. `is_timing`: on a machine that is
    short of CPU it may not, and nothing is wrong."""

    promise: str
    seen: str
    allowed: str
    holds: bool
    is_timing: bool = False


def judge(seen: Seen) -> list[Row]:
    workers = sum(len(happened.pids) for happened in seen.happened)
    cuts = sum(happened.trouble == "cut silently" for happened in seen.happened)
    lost, stranded, early = [*_lost(seen)], [*_stranded(seen)], [*_early(seen)]
    extra, poison = _extra_runs(seen), [*_wrong_poison(seen)]
    counted = f"{workers + cuts}: processes killed or stopped, and cuts"
    rows = [
        Row("jobs lost", _listed(lost), "0", not lost),
        Row("jobs stranded", _listed(stranded), "0", not stranded),
        Row("runs too many", f"{extra}", counted, extra <= workers + cuts),
        Row("poison jobs not dead after exactly the limit", _listed(poison), "0", not poison),
        Row("delayed jobs started early", _listed(early), "0", not early),
        Row("supervisors' exit codes", _listed(seen.exit_codes), "all 0", not any(seen.exit_codes)),
    ]
    return [
        *rows,
        *(Row(f"left: {what}", _listed(left), "0", not left) for what, left in seen.leaks.items()),
        _timing(seen, "kill a child", "a job's next start after its worker was killed", 1.0),
        _timing(seen, "kill a supervisor", "a job's next start after its supervisor was killed", LEASE + 2),
    ]


def _lost(seen: Seen) -> Iterator[str]:
    """Ordinary jobs that never came to their end; and jobs that nobody knows any more. Poison aside, a job
    may be dead when its workers were killed once too often, which is rare."""
    for prefix, jobs in seen.accepted.items():
        record, fates = seen.records[prefix], seen.fates[prefix]
        for job_id in jobs:
            state, reason, _ = fates.get(job_id, ("gone", "", 0))
            if job_id[0] in "dn" and (state != "completed" or not record.ends.get(job_id)):
                if reason != "worker-died" or len(record.starts[job_id]) <= RECOVERIES:
                    yield job_id
            elif job_id[0] == "f" and (state, reason) not in (
                ("failed", "retries"),
                ("failed", "worker-died"),
            ):
                yield job_id


def _stranded(seen: Seen) -> Iterator[str]:
    over = ("completed", "failed")
    return (
        job_id for fates in seen.fates.values() for job_id, (state, *_) in fates.items() if state not in over
    )


def _extra_runs(seen: Seen) -> int:
    return sum(
        max(0, len(starts) - (1 + RETRIES if job_id[0] == "f" else 1))
        for record in seen.records.values()
        for job_id, starts in record.starts.items()
        if job_id[0] != "p"
    )


def _wrong_poison(seen: Seen) -> Iterator[str]:
    """Each may lose its worker so often and once more, and no handler may see it more often than that."""
    for prefix, fates in seen.fates.items():
        for job_id, (state, reason, recoveries) in fates.items():
            if job_id[0] != "p":
                continue
            runs = len(seen.records[prefix].starts.get(job_id, ()))
            if (state, reason, recoveries) != (
                "failed",
                "worker-died",
                RECOVERIES + 1,
            ) or runs > RECOVERIES + 1:
                yield f"{job_id} ({state}, {recoveries} recoveries, {runs} runs)"


def _early(seen: Seen) -> Iterator[str]:
    for prefix, jobs in seen.accepted.items():
        for job_id, (job, added) in jobs.items():
            starts = seen.records[prefix].starts.get(job_id, ())
            if job.delay and starts and starts[0].at < added + job.delay - 0.002:
                yield job_id


def _recoveries(seen: Seen, trouble: str, limit: float) -> Iterator[float]:
    """Seconds from each such death to the next run of the job that was in hand. Left out are deaths with
    another trouble so soon before or after that it is the one that counts: without a server nobody recovers,
    and where the supervisor is gone too the lease must run out first."""
    others = [other for other in seen.happened if other.trouble not in ("kill a child", "cut silently")]
    for happened in seen.happened:
        if happened.trouble != trouble or any(_disturbs(other, happened, limit) for other in others):
            continue
        for pid in happened.pids:
            for record in seen.records.values():
                job_id = _in_hand(record, pid, happened.at)
                again = record.next_start(job_id, happened.at) if job_id else None
                if again is not None:
                    yield again - happened.at


def _disturbs(other: Happened, happened: Happened, limit: float) -> bool:
    return other is not happened and -_DISTURBANCE < other.at - happened.at < limit


def _in_hand(record: Record, pid: int, at: float) -> str | None:
    """The job that the process had begun and not ended: it was started again later."""
    begun = [
        (start.at, job_id) for job_id, starts in record.starts.items() for start in starts if start.pid == pid
    ]
    before = [job_id for moment, job_id in sorted(begun) if moment <= at]
    if not before or before[-1][0] == "p":
        return None
    job_id = before[-1]
    return job_id if len(record.starts[job_id]) > record.ends.get(job_id, 0) else None


def _timing(seen: Seen, trouble: str, promise: str, limit: float) -> Row:
    times = [*_recoveries(seen, trouble, limit)]
    if len(times) < 2:
        return Row(promise, f"{len(times)} seen", f"p99 {limit:g} s", True, is_timing=True)
    p50, p99 = p50_p99(times)
    told = f"p50 {p50:.3f} s, p99 {p99:.3f} s, {max(times):.3f} s at most, of {len(times)}"
    return Row(promise, told, f"p99 {limit:g} s", p99 <= limit, is_timing=True)


def _listed(things: Sequence[object]) -> str:
    """How many, and the first of them."""
    some = ", ".join(map(str, things[:5]))
    return f"{len(things)} ({some})" if things else "0"
