"""The scripts in bin/ that start programs: what they import, a .venv that does not work, and --help."""

from __future__ import annotations

import os
import shutil
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


def test_command_whose_venv_does_not_work_says_so_instead_of_using_another_python(tmp_path: Path) -> None:
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.symlink_to("/nowhere/python3")  # so it looks to users who may not read the folder of the real one
    (tmp_path / "bin").mkdir()
    script = shutil.copy(BIN / "preppath-workers", tmp_path / "bin")
    done = subprocess.run([script, "--help"], capture_output=True, text=True, check=False)
    problem = f"this user cannot run {python}, or the Python that it was created with is gone"
    assert (done.returncode, done.stderr) == (69, f"preppath-workers: {problem}\n")


@pytest.mark.parametrize("python", [None, "#!/bin/sh\necho 'Unknown option: -P' >&2\nexit 2\n"])
def test_command_without_a_venv_and_a_new_python_says_so(tmp_path: Path, python: str | None) -> None:
    (tmp_path / "bin").mkdir()
    script = shutil.copy(BIN / "preppath-workers", tmp_path / "bin")
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("sh", "dirname", "readlink"):
        (programs / name).symlink_to(shutil.which(name) or name)
    if python:
        (programs / "python3").write_text(python, encoding="utf-8")
        (programs / "python3").chmod(0o755)
    environment = {"PATH": str(programs)}
    done = subprocess.run([script, "queues"], env=environment, capture_output=True, text=True, check=False)
    problem = f"there is no {tmp_path}/.venv, and python3 is missing or older than 3.11"
    assert (done.returncode, done.stderr) == (69, f"preppath-workers: {problem}\n")


def test_help_of_the_tests_is_printed_before_anything_is_installed(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    script = shutil.copy(BIN / "test", tmp_path / "bin")
    done = subprocess.run([script, "--help"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("usage: bin/test [-m trial | -m offline] [ARGUMENT OF PYTEST ...]\n")
    assert "#" not in done.stdout
    assert not done.stderr
