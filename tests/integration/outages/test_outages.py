"""One small cell of the trial, and proof that its verdict can fail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.outages.seen import Seen
from tests.outages.stage import Stage, set_up
from tests.outages.table import FAILURES, Cell
from tests.outages.trial import play
from tests.outages.verdict import judge


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder: Path = tmp_path_factory.mktemp("outages")
    with set_up(folder) as environment:
        yield environment


@pytest.mark.processes
@pytest.mark.timeout(240)
def test_short_outage_under_load_loses_no_job(environment: Stage) -> None:
    seen = play(Cell("postgresql", "refused", 1, jobs=20), environment)
    assert (judge(seen).shortcomings, seen.remarks) == ([], [])
    assert seen.named["log"]
    assert len(seen.paid) == len(seen.states) == 20


def test_failures_of_the_table_all_have_a_fault() -> None:
    from tests.outages.faults.table import FAULTS

    assert {*FAULTS} == {(service, failure) for service in FAILURES for failure in FAILURES[service]}


#: Two jobs as expected, in a cell where in-flight calls may be paid again.
SOUND = Seen(
    cell=Cell("openai", "reset", 40, jobs=2),
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
        ({"cell": Cell("openai", "5xx", 40, jobs=2)}, "1 paid twice"),
        ({"named": {"queues": True, "health": False, "log": False}}, "not named by health, log"),
        ({"exit_codes": [0, 70]}, "exit codes 0, 70"),
        ({"cell": Cell("redis", "clock back", 40, jobs=2), "paid": {}}, "stood still"),
    ],
)
def test_judge_of_a_bad_trial_names_the_shortcoming(change: dict[str, Any], shortcoming: str) -> None:
    assert judge(replace(SOUND, **change)).shortcomings == [shortcoming]
