"""Proof that the check of the soak can fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from preppath_workers import NewJob
from preppath_workers.store.consuming.consumer import ANSWER_TIMEOUT
from tests.soak.invariants import judge
from tests.soak.observations import Fate, Happened, Observations
from tests.soak.plan import RECOVERIES, Plan
from tests.soak.record import Record, Run
from tests.soak.recovery import LIMITS

pytestmark = pytest.mark.trial


def runs(job_id: str, *spans: tuple[int, float, float | None]) -> list[Run]:
    """Return runs of the job; each span is a pid, a start and an end."""
    return [Run(job_id, pid, began, ended, job_id[0] == "f") for pid, began, ended in spans]


N0 = runs("n0", (70, 4.9, None), (71, 5.1, 5.2))
F1 = runs("f1", (71, 1.0, 1.1), (71, 2.0, 2.1))
P2 = runs("p2", *((pid, float(pid), None) for pid in range(80, 81 + RECOVERIES)))


def recorded(*lists: list[Run]) -> Mapping[str, Any]:
    return {
        "records": {"a": Record(sorted((run for runs in lists for run in runs), key=lambda run: run.began))}
    }


def killed(pid: int, at: float = 5.0) -> Happened:
    return Happened("kill a process", at, at, [pid], 0, "a")


#: An ordinary, a failing and a poison job, all as expected; one worker was killed.
SOUND = Observations(
    plan=Plan(seconds=1, jobs=3, poison=1, troubles={"kill a process": 1}),
    accepted={"a": {name: (NewJob({}, name), 0.0) for name in ("n0", "f1", "p2")}},
    happened=[killed(70)],
    fates={
        "a": {
            "n0": Fate("completed", "", 1, expires=True),
            "f1": Fate("failed", "retries"),
            "p2": Fate("failed", "worker-died", RECOVERIES + 1),
        }
    },
    leaks={"keys": []},
    presumed_dead=[],
    exit_codes=[0, 0, 0],
    seconds=1.0,
    **recorded(N0, F1, P2),
)


def fated(**fates: Fate) -> Mapping[str, Any]:
    return {"fates": {"a": {**SOUND.fates["a"], **fates}}}


def accepted(job: NewJob) -> Mapping[str, Any]:
    return {"accepted": {"a": {**SOUND.accepted["a"], job.id: (job, 0.0)}}}


LOST, STRANDED, EARLY = "jobs lost", "jobs stranded", "delayed jobs and retries started early"
REPEATED, UNEXPLAINED = "repeated runs", "repeated runs that no death explains"
POISON, UNSEEN = "poison jobs not dead after exactly the limit", "poison jobs' runs that no handler saw"
KILLED = "a job's next start after its worker was killed"
DONE = Fate("completed", expires=True)

BROKEN_INVARIANTS: dict[str, tuple[Mapping[str, Any], list[str]]] = {
    "a job is completed in Redis but no handler ended": (
        recorded(runs("n0", (70, 4.9, None), (71, 5.1, None)), F1, P2),
        [LOST],
    ),
    "a job ended but Redis has no record of it": (
        {"fates": {"a": {name: fate for name, fate in SOUND.fates["a"].items() if name != "n0"}}},
        [LOST],
    ),
    "a job still waits": (fated(n0=Fate("waiting")), [LOST, STRANDED]),
    "a job is dead although it lost no worker": (
        fated(n0=Fate("failed", "worker-died", RECOVERIES + 1)),
        [LOST],
    ),
    "a failing job wasn't retried": (recorded(N0, F1[:1], P2), [LOST]),
    "a failing job is dead for another reason": (fated(f1=Fate("failed", "invalid")), [LOST]),
    "more runs than deaths": (
        recorded(N0, runs("n0", (71, 6.0, 6.1)), F1, P2),
        [REPEATED, UNEXPLAINED],
    ),
    "another job's worker was killed": (
        {"happened": [killed(71, 5.15)], **recorded(runs("n0", (70, 1.0, 1.1), (72, 1.5, 1.6)), F1, P2)},
        [UNEXPLAINED],
    ),
    "a worker was killed long after the job": (
        {"happened": [killed(70, 60.0)], **recorded(runs("n0", (70, 4.9, 5.0), (71, 5.1, 5.2)), F1, P2)},
        [UNEXPLAINED],
    ),
    "only a connection was cut": (
        {"happened": [Happened("cut silently", 5.0, 5.0)], "plan": replace(SOUND.plan, troubles={})},
        [REPEATED, UNEXPLAINED],
    ),
    "a failing job was retried once too often": (
        recorded(N0, F1, runs("f1", (71, 3.0, 3.1)), P2),
        [REPEATED, UNEXPLAINED],
    ),
    "a poison job ran once more": (recorded(N0, F1, P2, runs("p2", (90, 90.0, None))), [POISON]),
    "a poison job was dead too early": (
        fated(p2=Fate("failed", "worker-died", RECOVERIES)),
        [POISON],
    ),
    "a poison job's deaths were counted twice": (recorded(N0, F1, P2[:-1]), [UNSEEN]),
    "a poison job completed": (fated(p2=DONE), [POISON]),
    "a job is in the other prefix's record": (
        recorded(N0, F1, P2, runs("n9", (71, 7.0, 7.1))),
        ["jobs run by the other prefix's workers"],
    ),
    "a delayed job started early": (accepted(NewJob({}, "n0", delay=5.5)), [EARLY]),
    "a retry started early": (
        recorded(N0, runs("f1", (71, 1.0, 1.1), (71, 1.3, 1.4)), P2),
        [EARLY],
    ),
    "a job was never accepted": (
        {"plan": replace(SOUND.plan, jobs=4)},
        ["jobs that were not accepted"],
    ),
    "a trouble was never caused": (
        {"plan": replace(SOUND.plan, troubles={"kill a process": 2})},
        ["troubles that were not made"],
    ),
    "a finished job's hash has no TTL": (
        fated(n0=Fate("completed")),
        ["finished jobs without a time to live"],
    ),
    "a key is left over": ({"leaks": {"keys": ["a:{alpha}:active:x:0"]}}, ["left: keys"]),
    "a supervisor exited with an error": (
        {"exit_codes": [0, 1, 0]},
        ["supervisors' exit codes that are not 0"],
    ),
    "a live instance was presumed dead": (
        {"presumed_dead": ["host-1-x"]},
        ["live instances taken for dead"],
    ),
    "a recovery takes seconds": (
        {
            **recorded(
                runs("n0", (70, 4.9, None), (71, 7.1, 7.2)),
                runs("n3", (69, 4.0, None), (71, 7.2, 7.3)),
                F1,
                P2,
            ),
            **accepted(NewJob({}, "n3")),
            **fated(n3=DONE),
            "happened": [killed(70), killed(69)],
            "plan": replace(SOUND.plan, jobs=4),
        },
        [KILLED],
    ),
}


def broken(observations: Observations) -> list[str]:
    return [row.invariant for row in judge(observations) if not row.holds]


def test_judge_of_a_sound_run_passes() -> None:
    assert broken(SOUND) == []


@pytest.mark.parametrize(("change", "expected"), BROKEN_INVARIANTS.values(), ids=BROKEN_INVARIANTS.keys())
def test_judge_of_a_bad_run_names_the_broken_invariant(
    change: Mapping[str, Any], expected: list[str]
) -> None:
    assert broken(replace(SOUND, **change)) == expected


def silent(at: float, again: float) -> Observations:
    """Two workers are killed and a connection is cut. One of the jobs goes to a worker whose last job, f1,
    ended at 2.1 s."""
    happened = [killed(70), killed(69), Happened("cut silently", at, at)]
    records = recorded(
        runs("n0", (70, 4.9, None), (71, again, again + 0.1)),
        runs("n3", (69, 4.0, None), (72, 5.2, 5.3)),
        F1,
        P2,
    )
    return replace(
        SOUND,
        **{**accepted(NewJob({}, "n3")), **fated(n3=DONE), **records},
        happened=happened,
        plan=replace(SOUND.plan, jobs=4, troubles={"kill a process": 2, "cut silently": 1}),
    )


SILENT = "of such jobs, those delayed by a silent connection"

#: When the worker of `silent` notices its connection, and after when no silent connection explains the delay
#: of a job that was interrupted at 5 s.
OVERDUE, UNEXPLAINABLE = 2.1 + ANSWER_TIMEOUT, 5 + LIMITS["kill a process"] + ANSWER_TIMEOUT


def test_judge_separates_jobs_delayed_by_a_silent_connection() -> None:
    row = next(row for row in judge(silent(at=4.5, again=OVERDUE + 0.1)) if row.invariant == SILENT)
    assert (row.seen, row.holds) == (f"1 ({OVERDUE + 0.1 - 5:.1f} s)", True)


@pytest.mark.parametrize(
    ("at", "again", "expected"),
    [
        pytest.param(1.5, OVERDUE + 0.1, 0, id="the cut came before the worker's last job"),
        pytest.param(4.5, OVERDUE - 0.1, 0, id="the worker had waited for less than the timeout"),
        pytest.param(4.5, UNEXPLAINABLE + 0.5, 1, id="longer than any read timeout"),
    ],
)
def test_judge_of_a_delay_that_no_silent_connection_explains_fails(
    at: float, again: float, expected: int
) -> None:
    observations = silent(at, again)
    row = next(row for row in judge(observations) if row.invariant == SILENT)
    assert row.seen == (f"1 ({again - 5:.1f} s)" if expected else "0")
    assert broken(observations) == [KILLED if row.holds else SILENT]


def test_judge_accepts_a_repeated_run_whose_outcome_waited_for_redis() -> None:
    again = recorded(runs("n0", (70, 5.0, 5.1), (71, 60.0, 60.1)), F1, P2)
    at = 5.1 + ANSWER_TIMEOUT + 25
    away = Happened("restart Redis", 6.0, 6.0 + 24, [])
    assert broken(replace(SOUND, happened=[killed(70, at)], **again)) == [UNEXPLAINED]
    assert broken(replace(SOUND, happened=[killed(70, at), away], **again)) == []


def test_judge_accepts_more_runs_of_a_failing_job_that_was_excused() -> None:
    third = recorded(N0, F1, runs("f1", (71, 8.0, 8.1)), P2)
    assert broken(replace(SOUND, **third)) == [REPEATED, UNEXPLAINED]
    assert broken(replace(SOUND, **third, **fated(f1=Fate("failed", "retries", excused=1)))) == []


def test_judge_accepts_a_late_run_of_a_worker_that_was_stopped() -> None:
    stopped = Happened("stop past the lease", 5.0, 5.1, [70], 0, "a")
    late = recorded(runs("n0", (71, 6.0, 6.1), (70, 9.6, 9.7)), F1, P2)
    assert broken(replace(SOUND, happened=[killed(79), stopped], **late)) == []


def test_judge_accepts_a_late_run_of_a_poison_job_that_others_ran_as_often_as_it_may() -> None:
    stopped = Happened("stop past the lease", 5.0, 85.0, [70], 0, "a")
    late = recorded(N0, F1, P2, runs("p2", (70, 90.0, None)))
    assert broken(replace(SOUND, happened=[killed(70, 4.95), stopped], **late)) == []
