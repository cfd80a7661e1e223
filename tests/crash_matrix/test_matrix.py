"""Every cell of the crash-point matrix."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulate.mutants import MUTANTS, in_place

from .cell import Cell, Fault, play
from .scenes import SCENES, Scene
from .stage import Stage, set_up

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder: Path = tmp_path_factory.mktemp("matrix")
    with set_up(folder) as stage:
        yield stage


@pytest.mark.parametrize("killed", [False, True], ids=["lives", "killed"])
@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.value)
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_nothing_is_lost(stage: Stage, scene: Scene, fault: Fault, killed: bool) -> None:
    """And nothing runs twice of which the worker lives."""
    play(Cell(scene, fault, killed), stage)


#: Broken variants of the scripts, each with a cell that notices it.
NOTICED = (
    ("a claim forgets what it holds", "claim (takes the head)", Fault.ANSWER_LOST, False),
    ("completing again completes again", "complete (told to stop)", Fault.ANSWER_LOST, False),
    ("a released job counts an attempt", "release (vendor's limit)", Fault.SILENT, False),
    ("a dead instance's last slot is not looked at", "reap", Fault.RESTART, True),
    ("adding an id again makes a second job", "enqueue", Fault.ANSWER_LOST, True),
)


@pytest.mark.parametrize(("broken", "scene", "fault", "killed"), NOTICED, ids=[row[0] for row in NOTICED])
def test_a_broken_variant_is_noticed(
    stage: Stage, broken: str, scene: str, fault: Fault, killed: bool
) -> None:
    (mutant,) = [mutant for mutant in MUTANTS if mutant.name == broken]
    (played,) = [candidate for candidate in SCENES if candidate.name == scene]
    with in_place(mutant), pytest.raises(AssertionError) as noticed:
        play(Cell(played, fault, killed), stage, deadline=3)
    assert "the command was not" not in str(noticed.value), "the cell was played"
