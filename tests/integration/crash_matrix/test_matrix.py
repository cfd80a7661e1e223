"""A part of the crash matrix, and proof that its cases can fail."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash_matrix.crash_points import CRASH_POINTS
from tests.crash_matrix.environment import Environment, set_up
from tests.crash_matrix.experiment import Experiment, Fault, play
from tests.simulation.mutants import MUTANTS, in_place

pytestmark = [pytest.mark.trial, pytest.mark.processes]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    folder: Path = tmp_path_factory.mktemp("matrix")
    with set_up(folder) as environment:
        yield environment


#: Two faults of five at each crash point, half of them with a caller that is killed.
#: `python -m tests.crash_matrix` plays all.
CASES = [
    Experiment(crash_point, fault, killed=(row + column) % 2 == 1)
    for row, crash_point in enumerate(CRASH_POINTS)
    for column, fault in enumerate(Fault)
    if (row + 2 * column) % 5 < 2
]


@pytest.mark.parametrize("experiment", CASES, ids=str)
def test_job_with_a_fault_at_a_crash_point_is_neither_lost_nor_duplicated(
    environment: Environment, experiment: Experiment
) -> None:
    """No job runs twice while its worker is alive."""
    play(experiment, environment)


#: Broken variants of the scripts, each with a case that detects it.
DETECTED = (
    ("a claim forgets what it holds", "claim (takes the head)", Fault.ANSWER_LOST, False),
    ("completing again completes again", "complete (on SIGTERM)", Fault.ANSWER_LOST, False),
    ("a released job counts an attempt", "release (vendor's limit)", Fault.SILENT, False),
    ("a dead instance's last slot is not looked at", "reap", Fault.RESTART, True),
    ("what a dead worker paid is released", "call_status", Fault.ANSWER_LOST, False),
    ("adding an id again makes a second job", "enqueue", Fault.ANSWER_LOST, True),
)


@pytest.mark.parametrize(("broken", "name", "fault", "killed"), DETECTED, ids=[row[0] for row in DETECTED])
def test_broken_script_fails_its_cell_of_the_matrix(
    environment: Environment, broken: str, name: str, fault: Fault, killed: bool
) -> None:
    (mutant,) = [mutant for mutant in MUTANTS if mutant.name == broken]
    (played,) = [candidate for candidate in CRASH_POINTS if candidate.name == name]
    with in_place(mutant), pytest.raises(AssertionError) as failure:
        play(Experiment(played, fault, killed), environment, deadline=3)
    assert "the command was not" not in str(failure.value), "the case was not played"
