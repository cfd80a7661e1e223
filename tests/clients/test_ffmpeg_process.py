"""ffmpeg as a process: it neither outlives who started it nor goes on for ever."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import pytest

from preppath_workers.clients import ffmpeg
from preppath_workers.errors import TransientError
from tests.processes.harness import is_alive
from tests.waiting import eventually


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An ffmpeg that never ends; the file will hold its pid."""
    program, started = tmp_path / "ffmpeg", tmp_path / "started"
    program.write_text(f"#!/bin/sh\necho $$ > {started}.new && mv {started}.new {started}\nexec sleep 600\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return started


@pytest.fixture
def file() -> Iterator[IO[bytes]]:
    with TemporaryFile() as file:
        yield file


def test_it_dies_with_the_worker_that_is_killed(started: Path, file: IO[bytes]) -> None:
    worker = multiprocessing.get_context("fork").Process(target=ffmpeg.pauses, args=(file,))
    worker.start()
    eventually(started.exists)
    pid = int(started.read_text())
    worker.kill()
    worker.join()
    eventually(lambda: not is_alive(pid))


def test_it_is_ended_when_it_takes_too_long(
    started: Path, file: IO[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ffmpeg, "TIME_LIMIT", 0.5)
    with pytest.raises(TransientError, match=r"not done with the recording after 0\.5 s"):
        ffmpeg.seconds(file)
    assert not started.exists() or not is_alive(int(started.read_text()))
