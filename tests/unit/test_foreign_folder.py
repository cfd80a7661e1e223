"""Commands do not import modules from the current folder."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

BIN = Path(__file__).parents[2] / "bin"


@pytest.mark.parametrize("command", [["preppath-workers", "--help"], ["preppath-dlq-replay", "--help"]])
def test_command_in_a_folder_with_modules_imports_none_of_them(tmp_path: Path, command: list[str]) -> None:
    for name in ("redis.py", "queue/__init__.py", "json.py", "preppath_workers/__init__.py"):
        planted = tmp_path / name
        planted.parent.mkdir(exist_ok=True)
        planted.write_text("raise SystemExit('planted')\n")

    script, *words = command
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [BIN / script, *words], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )

    assert "planted" not in done.stdout + done.stderr
    assert "preppath-workers" in done.stdout
