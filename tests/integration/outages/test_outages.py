"""Proof that the invariants of the outage trial can fail."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.outages.invariants import judge
from tests.outages.observations import Observations
from tests.outages.table import FAILURES, Case

pytestmark = pytest.mark.trial


def test_failures_of_the_table_all_have_a_fault() -> None:
    from tests.outages.faults.table import FAULTS

    assert {*FAULTS} == {(service, failure) for service in FAILURES for failure in FAILURES[service]}


#: Two jobs as expected, in a case in which in-flight calls may be paid again.
SOUND = Observations(
    case=Case("openai", "reset", 40, jobs=2),
    failed_at=100.0,
    accepted=["a", "b"],
    states={"a": "completed", "b": "completed"},
    paid={"a": [99.9, 103.0], "b": [101.0]},
    meanwhile=0,
    first_completion=12.0,
    named={"queues": True, "health": True, "log": True},
    exit_codes=[0],
)


def test_judge_of_a_sound_trial_passes() -> None:
    assert judge(SOUND).shortcomings == []


@pytest.mark.parametrize(
    ("change", "shortcoming"),
    [
        ({"states": {"a": "completed", "b": "failed"}}, "1 dead"),
        ({"states": {"a": "completed", "b": "delayed"}}, "1 lost"),
        ({"states": {"a": "completed"}}, "1 lost"),
        ({"accepted": ["a"]}, "1 lost"),
        ({"paid": {"a": [99.9, 103.0, 104.0]}}, "1 paid twice"),
        ({"paid": {"a": [90.0, 103.0]}}, "1 paid twice"),
        ({"case": Case("openai", "5xx", 40, jobs=2)}, "1 paid twice"),
        ({"named": {"queues": True, "health": False, "log": False}}, "not named by health, log"),
        ({"exit_codes": [0, 70]}, "exit codes 0, 70"),
        ({"case": Case("redis", "clock back", 40, jobs=2), "paid": {}}, "stood still"),
    ],
)
def test_judge_of_a_bad_trial_names_the_shortcoming(change: dict[str, Any], shortcoming: str) -> None:
    assert judge(replace(SOUND, **change)).shortcomings == [shortcoming]
