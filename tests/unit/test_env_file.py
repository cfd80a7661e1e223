"""Reading an `.env` file, such as that of `--config`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from preppath_workers import Queue
from preppath_workers.config.env_file import refuse_second_read
from preppath_workers.config.load import read_environment
from preppath_workers.errors import ConfigError


def test_read_environment_prefers_real_variables_to_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / ".env"
    path.write_text(
        "# a comment\nOPENAI_MODEL=from-file\nexport S3_REGION='eu-1' # why\nS3_BUCKET=${HOME}/x\n"
        'OPENAI_TTS_VOICE="é"\nLOG_LEVEL=\nNO_VALUE\n',
        encoding="utf-8",
    )
    monkeypatch.setenv("OPENAI_MODEL", "from-process")
    monkeypatch.setenv("S3_REGION", "")

    read = read_environment(path)

    assert read["OPENAI_MODEL"] == "from-process"
    assert (read["S3_REGION"], read["S3_BUCKET"], read["OPENAI_TTS_VOICE"]) == ("eu-1", "${HOME}/x", "é")
    assert not {"LOG_LEVEL", "NO_VALUE"} & {*read}
    assert "S3_REGION" not in read_environment()


def test_read_environment_of_a_file_from_windows_has_every_variable(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_bytes(b"\xef\xbb\xbfREDIS_URL=redis://queues\r\nS3_BUCKET='b'\r\n")
    read = read_environment(path)
    assert (read["REDIS_URL"], read["S3_BUCKET"]) == ("redis://queues", "b")


def test_read_environment_of_lines_that_set_nothing_refuses_each_without_its_text(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text(
        "S3_BUCKET=b\n\nBUDGET_DAY: 20\nset LOG_LEVEL=debug\nS3_REGION=eu\nOPENAI_API_KEY='sk-1\n=\n",
        encoding="utf-8",
    )
    with pytest.raises(ConfigError) as raised:
        read_environment(path)
    expected = "expected NAME=value, with matching quotes or none"
    assert raised.value.problems == tuple(
        f"{path}, line {line} is wrong: {expected}" for line in (3, 4, 6, 7)
    )


def test_read_environment_of_an_unreadable_file_names_the_reason(tmp_path: Path) -> None:
    binary, with_nul = tmp_path / "binary", tmp_path / "nul"
    binary.write_bytes(b"\xff\xfe")
    with_nul.write_text("HTTPS_PROXY=http://proxy\0:3128\n")
    for path, reason in [
        (tmp_path / "missing", "No such file or directory"),
        (tmp_path, "Is a directory"),
        (binary, "not UTF-8 text"),
        (with_nul, "it contains a NUL character"),
    ]:
        with pytest.raises(ConfigError) as raised:
            read_environment(path)
        assert raised.value.problems == (f"cannot read {path}: {reason}",)


def test_refuse_second_read_lets_files_pass_and_pipes_not(tmp_path: Path) -> None:
    file, pipe = tmp_path / "file", tmp_path / "pipe"
    file.touch()
    os.mkfifo(pipe)
    for path in (file, tmp_path / "missing", None):
        refuse_second_read(path)
    with pytest.raises(ConfigError, match=f"cannot read {pipe} again: it is not a file"):
        refuse_second_read(pipe)


def test_queue_from_env_file_without_python_dotenv_names_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / ".env"
    file.write_text("REDIS_URL=redis://localhost\n")
    monkeypatch.setitem(sys.modules, "dotenv.parser", None)
    with pytest.raises(ConfigError, match=f"cannot read {file}: Python's package dotenv"):
        Queue.from_env("tts", file)
