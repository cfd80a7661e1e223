"""Two small cells of the trial, and proof that its verdict can be a bad one."""

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
from tests.outages.verdict import judge, medians


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder: Path = tmp_path_factory.mktemp("outages")
    with set_up(folder) as environment:
        yield environment


@pytest.mark.processes
@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    "cell", [Cell("postgresql", "refused", 1, jobs=20), Cell("redis", "read-only", 1, jobs=20)], ids=str
)
def test_short_outage_under_load_buries_and_loses_no_job(environment: Stage, cell: Cell) -> None:
    seen = play(cell, environment)
    assert (judge(seen).shortcomings, seen.remarks) == ([], [])
    assert seen.named["log"]
    assert len(seen.paid) == len(seen.states) == 20


def test_every_failure_of_the_table_can_be_played() -> None:
    from tests.outages.faults.table import FAULTS

    assert {*FAULTS} == {(service, failure) for service in FAILURES for failure in FAILURES[service]}


#: Two jobs that went as they should, in a cell where calls that were being answered may be paid again.
WELL = Seen(
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


def test_verdict_on_an_outage_that_went_well_is_good() -> None:
    assert judge(WELL).shortcomings == []


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
def test_verdict_on_an_outage_that_went_badly_names_the_shortcoming(
    change: dict[str, Any], shortcoming: str
) -> None:
    assert judge(replace(WELL, **change)).shortcomings == [shortcoming]


def test_verdict_on_a_short_outage_does_not_ask_who_named_it() -> None:
    silent = {"queues": False, "health": False, "log": False}
    assert judge(replace(WELL, cell=Cell("openai", "reset", 2, jobs=2), named=silent)).shortcomings == []


def test_medians_are_of_one_service_and_length_each() -> None:
    def waited(length: float, seconds: float | None) -> Seen:
        return replace(WELL, cell=replace(WELL.cell, length=length), first_completion=seconds)

    waits = [(2, 1.0), (2, 5.5), (2, 9.0), (2, None), (40, 29.0)]
    found = medians([judge(waited(length, seconds)) for length, seconds in waits])
    assert [(wait.is_long, wait.seconds, wait.holds) for wait in found] == [
        (False, 5.5, False),
        (True, 29.0, True),
    ]
