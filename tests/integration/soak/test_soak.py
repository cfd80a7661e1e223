"""A few seconds of the soak, and proof that its verdict can be a bad one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from preppath_workers import NewJob
from tests.soak.explain import evidence
from tests.soak.observations import Fate, Happened, Observations
from tests.soak.plan import RECOVERIES, TINY, Plan
from tests.soak.record import Record, Run
from tests.soak.trial import Soak
from tests.soak.verdict import judge


@pytest.mark.processes
@pytest.mark.timeout(240)
def test_nothing_is_lost_whatever_dies(tmp_path: Path) -> None:
    observations = Soak(TINY, seed=1, folder=tmp_path).run()
    assert [row for row in judge(observations) if not row.holds and not row.is_timing] == []
    assert sum(len(record.by_job) for record in observations.records.values()) == TINY.jobs


def runs(job_id: str, *spans: tuple[int, float, float | None]) -> list[Run]:
    """Of each run: process, beginning, end."""
    return [Run(job_id, pid, began, ended, job_id[0] == "f") for pid, began, ended in spans]


N0 = runs("n0", (70, 4.9, None), (71, 5.1, 5.2))
F1 = runs("f1", (71, 1.0, 1.1), (71, 2.0, 2.1))
P2 = runs("p2", *((pid, float(pid), None) for pid in range(80, 81 + RECOVERIES)))


def recorded(*lists: list[Run]) -> Mapping[str, Any]:
    return {
        "records": {"a": Record(sorted((run for runs in lists for run in runs), key=lambda run: run.began))}
    }


def killed(pid: int, at: float = 5.0) -> Happened:
    return Happened("kill a child", at, at, [pid], 0, "a")


#: An ordinary job, one that fails, and a poison job, all of which went as they should; a worker was killed.
WELL = Observations(
    plan=Plan(seconds=1, jobs=3, poison=1, troubles={"kill a child": 1}),
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
    return {"fates": {"a": {**WELL.fates["a"], **fates}}}


def accepted(job: NewJob) -> Mapping[str, Any]:
    return {"accepted": {"a": {**WELL.accepted["a"], job.id: (job, 0.0)}}}


LOST, STRANDED, EARLY = "jobs lost", "jobs stranded", "delayed jobs and retries started early"
REPEATED, UNEXPLAINED = "repeated runs", "repeated runs that no death explains"
POISON, UNSEEN = "poison jobs not dead after exactly the limit", "poison jobs' runs that no handler saw"
KILLED = "a job's next start after its worker was killed"
DONE = Fate("completed", expires=True)

VERDICTS: dict[str, tuple[Mapping[str, Any], list[str]]] = {
    "a job that Redis calls completed and no handler ever ended": (
        recorded(runs("n0", (70, 4.9, None), (71, 5.1, None)), F1, P2),
        [LOST],
    ),
    "a job that ended and that nobody knows": (
        {"fates": {"a": {name: fate for name, fate in WELL.fates["a"].items() if name != "n0"}}},
        [LOST],
    ),
    "a job that still waits": (fated(n0=Fate("waiting")), [LOST, STRANDED]),
    "a job that is dead and lost no worker": (
        fated(n0=Fate("failed", "worker-died", RECOVERIES + 1)),
        [LOST],
    ),
    "a failing job that was not retried": (recorded(N0, F1[:1], P2), [LOST]),
    "a failing job that is dead for another reason": (fated(f1=Fate("failed", "invalid")), [LOST]),
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
        {"happened": [Happened("cut silently", 5.0, 5.0)], "plan": replace(WELL.plan, troubles={})},
        [REPEATED, UNEXPLAINED],
    ),
    "a failing job that was retried once too often": (
        recorded(N0, F1, runs("f1", (71, 3.0, 3.1)), P2),
        [REPEATED, UNEXPLAINED],
    ),
    "a poison job that ran once more": (recorded(N0, F1, P2, runs("p2", (90, 90.0, None))), [POISON]),
    "a poison job that was given up early": (
        fated(p2=Fate("failed", "worker-died", RECOVERIES)),
        [POISON],
    ),
    "a poison job whose deaths were counted twice": (recorded(N0, F1, P2[:-1]), [UNSEEN]),
    "a poison job that lives": (fated(p2=DONE), [POISON]),
    "a job in the other prefix's record": (
        recorded(N0, F1, P2, runs("n9", (71, 7.0, 7.1))),
        ["jobs run by the other prefix's workers"],
    ),
    "a delayed job that did not wait": (accepted(NewJob({}, "n0", delay=5.5)), [EARLY]),
    "a retry that did not wait": (
        recorded(N0, runs("f1", (71, 1.0, 1.1), (71, 1.3, 1.4)), P2),
        [EARLY],
    ),
    "a job that was never accepted": (
        {"plan": replace(WELL.plan, jobs=4)},
        ["jobs that were not accepted"],
    ),
    "a trouble that never came": (
        {"plan": replace(WELL.plan, troubles={"kill a child": 2})},
        ["troubles that were not made"],
    ),
    "a hash that stays for ever": (fated(n0=Fate("completed")), ["finished jobs that would stay for ever"]),
    "a key that nobody needs": ({"leaks": {"keys": ["a:{alpha}:active:x:0"]}}, ["left: keys"]),
    "a supervisor that ended badly": (
        {"exit_codes": [0, 1, 0]},
        ["supervisors' exit codes that are not 0"],
    ),
    "a lease that ran out on a living instance": (
        {"presumed_dead": ["host-1-x"]},
        ["living instances taken for dead"],
    ),
    "a recovery that takes seconds": (
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
            "plan": replace(WELL.plan, jobs=4),
        },
        [KILLED],
    ),
}


def broken(observations: Observations) -> list[str]:
    return [row.promise for row in judge(observations) if not row.holds]


def test_what_went_as_it_should_breaks_no_promise() -> None:
    assert broken(WELL) == []


@pytest.mark.parametrize(("change", "expected"), VERDICTS.values(), ids=VERDICTS.keys())
def test_a_promise_that_is_broken_is_told(change: Mapping[str, Any], expected: list[str]) -> None:
    assert broken(replace(WELL, **change)) == expected


def test_what_nobody_can_explain_is_told_with_what_happened_around() -> None:
    observations = replace(
        WELL, **recorded(runs("n0", (70, 1.0, 1.1), (72, 5.5, 5.6)), F1, P2), happened=[killed(71)]
    )
    assert [*evidence(observations)] == [
        "a n0",
        "  1.00 to 1.10 in 70",
        "  5.50 to 5.60 in 72",
        "  5.00 to 5.00 kill a child a 0, 71",
    ]
    assert [*evidence(WELL)] == []


def silent(at: float, again: float) -> Observations:
    """Two workers are killed, a connection is cut. One of the jobs falls to a worker whose last job, f1, had
    ended at 2.1 s."""
    happened = [killed(70), killed(69), Happened("cut silently", at, at)]
    records = recorded(
        runs("n0", (70, 4.9, None), (71, again, again + 0.1)),
        runs("n3", (69, 4.0, None), (72, 5.2, 5.3)),
        F1,
        P2,
    )
    return replace(
        WELL,
        **{**accepted(NewJob({}, "n3")), **fated(n3=DONE), **records},
        happened=happened,
        plan=replace(WELL.plan, jobs=4, troubles={"kill a child": 2, "cut silently": 1}),
    )


SILENT = "of such jobs, those that fell to a silent connection"


def test_a_job_that_fell_to_a_silent_connection_is_told_apart() -> None:
    row = next(row for row in judge(silent(at=4.5, again=14.5)) if row.promise == SILENT)
    assert (row.seen, row.holds) == ("1 (9.5 s)", True)


@pytest.mark.parametrize(
    ("at", "again", "expected"),
    [
        pytest.param(1.5, 14.5, "0", id="the cut came before the worker's last job"),
        pytest.param(4.5, 12.0, "0", id="the worker had not waited for ten seconds"),
        pytest.param(4.5, 17.0, "1 (12.0 s)", id="nobody waits so long"),
    ],
)
def test_what_no_silence_explains_is_a_broken_promise(at: float, again: float, expected: str) -> None:
    observations = silent(at, again)
    row = next(row for row in judge(observations) if row.promise == SILENT)
    assert row.seen == expected
    assert broken(observations) == [KILLED if row.holds else SILENT]


def test_a_worker_that_stood_still_before_its_first_line_explains_a_late_run() -> None:
    stopped = Happened("stop past the lease", 5.0, 5.1, [70], 0, "a")
    late = recorded(runs("n0", (71, 6.0, 6.1), (70, 9.6, 9.7)), F1, P2)
    assert broken(replace(WELL, happened=[killed(79), stopped], **late)) == []


def test_the_record_is_read_as_handlers_wrote_it() -> None:
    lines = ["start n0 70 1.0", "start f1 71 1.5", "fail f1 71 2.0", "start n0 72 3.0", "end n0 72 4.0"]
    record = Record.parse(lines)
    assert record.by_job["n0"] == [Run("n0", 70, 1.0), Run("n0", 72, 3.0, 4.0)]
    assert record.by_job["f1"] == [Run("f1", 71, 1.5, 2.0, failed=True)]
    assert (record.has_ended("n0"), record.has_ended("f1")) == (True, False)
