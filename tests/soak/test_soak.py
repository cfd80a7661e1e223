"""A few seconds of the soak, and proof that its verdict can be a bad one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from preppath_workers import NewJob

from .plan import RECOVERIES, TINY, Plan
from .record import Record, Start
from .trial import Happened, Seen, Soak
from .verdict import judge


@pytest.mark.processes
@pytest.mark.timeout(240)
def test_nothing_is_lost_whatever_dies(tmp_path: Path) -> None:
    seen = Soak(TINY, seed=1, folder=tmp_path).run()
    assert [row for row in judge(seen) if not row.holds and not row.is_timing] == []
    assert sum(map(len, seen.accepted.values())) == TINY.jobs
    assert sum(len(record.starts) for record in seen.records.values()) == TINY.jobs


#: An ordinary job, one that fails, and a poison job, all of which went as they should; a worker was killed.
WELL = Seen(
    plan=Plan(seconds=1, jobs=3, poison=1, troubles={"kill a child": 1}),
    accepted={"p": {name: (NewJob({}, name), 0.0) for name in ("n0", "f1", "p2")}},
    happened=[Happened("kill a child", 5.0, [70])],
    records={
        "p": Record(
            {
                "n0": [Start(70, 4.9), Start(71, 5.1)],
                "f1": [Start(71, 1.0), Start(71, 2.0)],
                "p2": [Start(pid, float(pid)) for pid in range(80, 81 + RECOVERIES)],
            },
            {"n0": 1},
        )
    },
    fates={
        "p": {
            "n0": ("completed", "", 1),
            "f1": ("failed", "retries", 0),
            "p2": ("failed", "worker-died", RECOVERIES + 1),
        }
    },
    leaks={"keys": []},
    exit_codes=[0, 0, 0],
    seconds=1.0,
)


def broken(seen: Seen) -> list[str]:
    return [row.promise for row in judge(seen) if not row.holds]


def fated(**fates: tuple[str, str, int]) -> Mapping[str, Any]:
    return {"fates": {"p": {**WELL.fates["p"], **fates}}}


def without(things: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return {known: thing for known, thing in things.items() if known != name}


def recorded(
    starts: Mapping[str, list[Start]], ends: Mapping[str, int] = WELL.records["p"].ends
) -> Mapping[str, Any]:
    return {"records": {"p": Record({**WELL.records["p"].starts, **starts}, ends)}}


def test_what_went_as_it_should_breaks_no_promise() -> None:
    assert broken(WELL) == []


KILLED = "a job's next start after its worker was killed"

POISON = "poison jobs not dead after exactly the limit"

VERDICTS: dict[str, tuple[Mapping[str, Any], list[str]]] = {
    "a job that Redis calls completed and no handler ever ended": (recorded({}, {}), ["jobs lost"]),
    "a job that nobody knows": ({"fates": {"p": without(WELL.fates["p"], "n0")}}, ["jobs lost"]),
    "a job that still waits": (fated(n0=("waiting", "", 1)), ["jobs lost", "jobs stranded"]),
    "a failing job that was not retried to the end": (fated(f1=("failed", "invalid", 0)), ["jobs lost"]),
    "more runs than deaths": (recorded({"n0": [Start(70, at) for at in (4.9, 5.1, 6.0)]}), ["runs too many"]),
    "a poison job that ran once more": (recorded({"p2": [Start(80, 1.0)] * (RECOVERIES + 2)}), [POISON]),
    "a poison job that was given up early": (fated(p2=("failed", "worker-died", RECOVERIES)), [POISON]),
    "a delayed job that did not wait": (
        {"accepted": {"p": {**WELL.accepted["p"], "f1": (NewJob({}, "f1", delay=1.5), 0.0)}}},
        ["delayed jobs started early"],
    ),
    "a key that nobody needs": ({"leaks": {"keys": ["p:{alpha}:active:x:0"]}}, ["left: keys"]),
    "a supervisor that ended badly": ({"exit_codes": [0, 1, 0]}, ["supervisors' exit codes"]),
    "a recovery that takes seconds": (
        recorded({"n0": [Start(70, 4.9), Start(71, 7.1)], "n3": [Start(69, 4.0), Start(71, 7.2)]})
        | {"happened": [Happened("kill a child", 5.0, [70]), Happened("kill a child", 5.0, [69])]},
        [KILLED],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("change", "expected"), VERDICTS.values(), ids=VERDICTS.keys())
def test_a_promise_that_is_broken_is_told(change: Mapping[str, Any], expected: list[str]) -> None:
    assert broken(replace(WELL, **change)) == expected
