"""The reasons by which dead letters can be selected are those that the scripts give."""

from __future__ import annotations

import re
from pathlib import Path

import preppath_workers
from preppath_workers.store.dead_letters import REASONS


def test_reasons_are_those_that_scripts_give() -> None:
    scripts = "".join(path.read_text() for path in Path(preppath_workers.__file__).parent.rglob("*.lua"))
    literal = re.findall(r"(?:add_dead_letter|move_to_dead)\((?:id, )?'([a-z-]+)'", scripts)
    assert len(literal) > 5
    # The script that settles a failure passes these kinds on as they came.
    assert {*literal, "invalid", "permanent"} == {*REASONS}
