"""The finding of check on the configuration file."""

from __future__ import annotations

from pathlib import Path

import pytest

from preppath_workers.cli.check.config_file import check_config_file
from preppath_workers.jobs import JOB_TYPES

from .conftest import Run


@pytest.mark.parametrize(("mode", "warns"), [(0o644, True), (0o604, True), (0o640, False), (0o600, False)])
def test_config_file_that_every_user_can_read_is_a_warning(tmp_path: Path, mode: int, warns: bool) -> None:
    file = tmp_path / "env"
    file.touch()
    file.chmod(mode)

    assert [finding.status for finding in check_config_file(str(file), [])] == ["warning"] * warns


def test_config_file_that_is_not_set_gives_no_finding() -> None:
    assert list(check_config_file(None, [])) == []


def test_config_file_with_a_misspelt_name_is_a_warning_that_says_which_is_meant(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("TTS_CONCURENCY=4\nTTS_CONCURRENCY=4\nS3_ACCESS_KEY=x\nPORT=3000\nOPENAI_TTS_VOICE=ash\n")
    file.chmod(0o600)

    found = check_config_file(str(file), [each.defaults for each in JOB_TYPES])

    assert [(one.status, one.detail) for one in found] == [
        ("warning", "TTS_CONCURENCY is not a variable of the workers; TTS_CONCURRENCY is"),
        ("warning", "S3_ACCESS_KEY is not a variable of the workers; S3_ACCESS_KEY_ID is"),
    ]


def test_config_file_that_sets_a_variable_again_is_a_warning_with_its_lines(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text(
        "# the first\n\nOPENAI_API_KEY=sk-1\nS3_BUCKET=b\nexport OPENAI_API_KEY=sk-2\nOPENAI_API_KEY=\n"
    )
    file.chmod(0o600)

    [found] = check_config_file(str(file), [])

    assert (found.status, found.detail) == ("warning", "lines 3, 5 and 6 set OPENAI_API_KEY; 6 counts")


def test_wrong_configuration_names_the_misspelt_variable_in_every_command(run: Run, tmp_path: Path) -> None:
    config = tmp_path / "env"
    config.write_text("OPENAI_API_KYE=sk-test\nS3_BUCKET=b\nDATABASE_URL=postgresql://127.0.0.1:9/x\n")
    config.chmod(0o600)
    problem = "OPENAI_API_KEY is not set: expected a key of the OpenAI API; is OPENAI_API_KYE misspelt?"
    started = run("run", "--config", str(config))
    assert (started.returncode, started.stderr) == (78, f"preppath-workers: {problem}\n")
    done = run("check", "--config", str(config))
    assert (done.returncode, done.stdout.splitlines()) == (
        78,
        [
            f"error    configuration: {problem}",
            "warning  config file: OPENAI_API_KYE is not a variable of the workers; OPENAI_API_KEY is",
        ],
    )


@pytest.mark.parametrize("variables", [{"JOBS": "no.such.module"}, {"JOBS": "-"}])
def test_check_without_known_jobs_reports_only_that(
    run: Run, tmp_path: Path, variables: dict[str, str]
) -> None:
    config = tmp_path / "env"
    config.write_text("OPENAI_API_KYE=sk-test\n")
    done = run("check", "--config", str(config), **variables)
    assert (done.returncode, done.stdout.count("\n")) == (78, 1)
