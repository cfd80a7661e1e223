"""The log in the systemd journal, and terminals without colour."""

from __future__ import annotations

import io
import json
import logging
import os
from pathlib import Path

import pytest

from preppath_workers import log
from preppath_workers.config.model import LogConfig
from preppath_workers.log import journal

pytestmark = pytest.mark.usefixtures("restored_logging")
logger = logging.getLogger("preppath_workers.test")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def written(path: Path, monkeypatch: pytest.MonkeyPatch, is_journal: bool, log_format: str) -> list[str]:
    with path.open("w", encoding="utf-8") as stream:
        status = os.fstat(stream.fileno())
        inode = status.st_ino if is_journal else status.st_ino + 1
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{inode}")
        log.configure(LogConfig(format=log_format, level="debug"), stream=stream)  # type: ignore[arg-type]
        logger.debug("one")
        logger.warning("two")
        try:
            raise ValueError("a\nb")
        except ValueError:
            logger.exception("three")
        logger.critical("four")
    return path.read_text(encoding="utf-8").splitlines()


def test_journal_lines_begin_with_their_priority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = written(tmp_path / "log", monkeypatch, is_journal=True, log_format="json")
    assert [line[:3] for line in lines] == ["<7>", "<4>", "<3>", "<2>"]
    assert [json.loads(line[3:])["message"] for line in lines] == ["one", "two", "three", "four"]


def test_journal_traceback_has_the_priority_on_each_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = written(tmp_path / "log", monkeypatch, is_journal=True, log_format="text")
    assert len(lines) > 6
    assert {line[:3] for line in lines[2:-1]} == {"<3>"}


def test_lines_outside_the_journal_have_no_priority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = written(tmp_path / "log", monkeypatch, is_journal=False, log_format="json")
    assert [json.loads(line)["message"] for line in lines] == ["one", "two", "three", "four"]


def test_is_journal_without_the_variable_or_the_file_is_false(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    assert not journal.is_journal(2)
    monkeypatch.setenv("JOURNAL_STREAM", "rubbish")
    assert not journal.is_journal(2)
    assert not journal.is_journal(1_000_000)


@pytest.mark.parametrize(
    ("variables", "is_coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_colour_is_off_if_no_color_is_set_or_the_terminal_is_dumb(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], is_coloured: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    terminal = Terminal()
    log.configure(LogConfig(), stream=terminal)
    logger.error("red")
    assert ("\x1b[31m" in terminal.getvalue()) == is_coloured
