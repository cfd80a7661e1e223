"""A worker's connection loads each script that is called on it.

A missing one would be refused until the job's time limit.
"""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

from preppath_workers.store.consuming import script_loading
from preppath_workers.store.consuming.script_loading import load_commands
from preppath_workers.store.scripts import scripts

_FOLDER = Path(script_loading.__file__).parent


def _texts(path: Path) -> set[str]:
    nodes = ast.walk(ast.parse(path.read_text()))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_script_loading_covers_the_scripts_that_a_consumer_names_and_no_others() -> None:
    files = [path for path in _FOLDER.glob("*.py") if path.name != "script_loading.py"]
    shipped = {path.stem for path in (_FOLDER.parent / "lua").glob("*.lua")}
    named = set().union(*map(_texts, files)) & shipped
    named.remove("wait")  # also the word with which a claim says that nothing may start
    assert named == set(script_loading._USED)


def test_load_commands_with_other_scripts_hold_their_texts() -> None:
    before = load_commands()
    changed = {name: replace(script, text=f"{script.text}\n-- changed") for name, script in scripts().items()}
    with patch("preppath_workers.store.scripts.scripts", lambda: changed):
        assert all(command.endswith(b"-- changed\r\n") for command in load_commands())
    assert load_commands() == before
