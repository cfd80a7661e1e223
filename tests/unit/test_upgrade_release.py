"""The release that the upgrade trial compares this one with."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from preppath_workers.store.keys import FIRST_LAYOUT
from tests.upgrade import release
from tests.upgrade.release import NoHistory, Release

GIT = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit, in which the layout's number is set: a shallow clone looks like that."""
    root = tmp_path / "repository"
    files = {"preppath_workers/store/keys.py": f"LAYOUT = {FIRST_LAYOUT}\n", "tests/__init__.py": ""}
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True)
        (root / name).write_text(text, encoding="utf-8")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    subprocess.run(["git", "add", "."], cwd=root, check=True)
    commit(root)
    monkeypatch.setattr(release, "ROOT", root)
    return root


def commit(root: Path) -> None:
    subprocess.run([*GIT, "commit", "-q", "--allow-empty", "-m", "A change"], cwd=root, check=True)


def test_previous_release_in_a_history_of_one_commit_is_missing(repository: Path) -> None:
    with pytest.raises(NoHistory, match="no earlier commit sets LAYOUT = 1: is this a shallow clone"):
        Release.previous(None, repository.parent / "old")


def test_previous_release_after_a_later_commit_is_the_first_with_the_layout(repository: Path) -> None:
    commit(repository)
    found = Release.previous(None, repository.parent / "old")
    first = ["git", "rev-parse", "--short", "HEAD~1"]
    assert found.name == subprocess.run(first, cwd=repository, capture_output=True, text=True).stdout.strip()
    assert (found.folder / "preppath_workers/store/keys.py").exists()
