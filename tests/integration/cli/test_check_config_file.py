"""The finding of check on the configuration file."""

from __future__ import annotations

from pathlib import Path

import pytest

from preppath_workers.cli.check.config_file import check_config_file


@pytest.mark.parametrize(("mode", "warns"), [(0o644, True), (0o604, True), (0o640, False), (0o600, False)])
def test_config_file_that_every_user_can_read_is_a_warning(tmp_path: Path, mode: int, warns: bool) -> None:
    file = tmp_path / "env"
    file.touch()
    file.chmod(mode)

    assert [finding.status for finding in check_config_file(str(file))] == ["warning"] * warns


def test_config_file_that_is_not_set_gives_no_finding() -> None:
    assert list(check_config_file(None)) == []
