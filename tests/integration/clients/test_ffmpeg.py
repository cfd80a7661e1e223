"""ffmpeg as a process: how it ends, and what its exit says about the recording."""

from __future__ import annotations

import multiprocessing
import subprocess
import wave
from array import array
from collections.abc import Callable, Iterator
from math import sin
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import pytest

from preppath_workers.clients.audio import ffmpeg
from preppath_workers.errors import JobError, MachineError, PermanentError, TransientError
from tests.integration.worker.harness import is_alive
from tests.support.waiting import eventually
from tests.support.wav import Wav

from .shortages import no_descriptors


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An ffmpeg that never ends; the returned file will hold its pid."""
    program, started = tmp_path / "ffmpeg", tmp_path / "started"
    program.write_text(f"#!/bin/sh\necho $$ > {started}.new && mv {started}.new {started}\nexec sleep 600\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return started


@pytest.fixture
def file() -> Iterator[IO[bytes]]:
    with TemporaryFile() as file:
        yield file


def test_ffmpeg_of_a_killed_worker_dies_with_it(started: Path, file: IO[bytes]) -> None:
    worker = multiprocessing.get_context("fork").Process(target=ffmpeg.pauses, args=(file,))
    worker.start()
    eventually(started.exists)
    pid = int(started.read_text())
    worker.kill()
    worker.join()
    eventually(lambda: not is_alive(pid))


def test_ffmpeg_over_its_timeout_is_ended(
    started: Path, file: IO[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ffmpeg, "TIME_LIMIT", 0.5)
    with pytest.raises(TransientError, match=r"exceeded its time limit of 0\.5 s"):
        ffmpeg.seconds(file)
    assert not started.exists() or not is_alive(int(started.read_text()))


Program = Callable[[str], None]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Install a shell script as ffmpeg."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    def install(script: str) -> None:
        (tmp_path / "ffmpeg").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "ffmpeg").chmod(0o755)

    return install


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("kill -KILL $$", MachineError("memory", "killed, as the kernel does")),
        ("kill -XFSZ $$", MachineError("disk", "larger than this machine allows")),
        ("kill -TERM $$", MachineError("processes", "stopped by a signal")),
        ("exit 255", MachineError("processes", "stopped by a signal")),
        ("exit 228", MachineError("disk", "No space left on device")),
        ("exit 232", MachineError("descriptors", "Too many open files")),
        ("echo 'a: No space left on device' >&2; exit 1", MachineError("disk", "No space left on device")),
        ("echo 'a: Cannot allocate memory' >&2; exit 1", MachineError("memory", "Cannot allocate memory")),
        ("kill -SEGV $$", TransientError("killed by signal 11")),
        (
            "printf 'one\\na\\033[2Jb\\n\\n' >&2; exit 183",
            PermanentError("cannot read the recording: a\ufffd[2Jb"),
        ),
        ("exit 1", PermanentError("no reason given")),
    ],
)
def test_exit_of_ffmpeg_is_classified_by_its_cause(
    program: Program, file: IO[bytes], script: str, expected: JobError
) -> None:
    program(script)

    with pytest.raises(type(expected)) as caught:
        ffmpeg.pauses(file)

    assert str(expected) in str(caught.value)
    assert getattr(caught.value, "resource", None) == getattr(expected, "resource", None)


def test_ffmpeg_with_endless_output_gives_a_short_message(program: Program, file: IO[bytes]) -> None:
    program("head -c 3000000 /dev/zero | tr '\\0' x >&2; exit 1")

    with pytest.raises(PermanentError) as caught:
        ffmpeg.pauses(file)

    assert len(str(caught.value)) < 500


def test_ffmpeg_that_cannot_be_started_is_a_machine_error(program: Program, file: IO[bytes]) -> None:
    program("exit 0")

    with no_descriptors(), pytest.raises(MachineError) as caught:
        ffmpeg.pauses(file)

    assert caught.value.resource == "descriptors"


@pytest.mark.skipif(not ffmpeg.installed(), reason="ffmpeg is not installed")
def test_ffmpeg_with_a_full_output_disk_is_a_machine_error(file: IO[bytes]) -> None:
    file.write(Wav(bytes(320_000), 8_000).wav_bytes())
    file.seek(0)

    with Path("/dev/full").open("wb") as part, pytest.raises(MachineError) as caught:
        ffmpeg.cut(file, 0, 10, part)

    assert caught.value.resource == "disk"


@pytest.mark.skipif(not ffmpeg.installed(), reason="ffmpeg is not installed")
@pytest.mark.parametrize("start", [1.5, 9.0, 12.34])
def test_part_of_an_mp3_has_its_first_words(tmp_path: Path, start: float) -> None:
    """Up to half a second was silent: frames of an MP3 refer to those before them."""
    tone = Wav(array("h", (round(9_000 * sin(at / 5)) for at in range(15 * 16_000))).tobytes(), 16_000)
    (tmp_path / "tone.wav").write_bytes(tone.wav_bytes())
    command = [
        "ffmpeg",
        "-loglevel",
        "error",
        "-i",
        tmp_path / "tone.wav",
        "-q:a",
        "4",
        tmp_path / "tone.mp3",
    ]
    subprocess.run(command, check=True)

    with (tmp_path / "tone.mp3").open("rb") as file, (tmp_path / "part.wav").open("w+b") as part:
        assert ffmpeg.cut(file, start, 2.0, part) == pytest.approx(2, abs=0.01)
        with wave.open(part, "rb") as written:
            samples = array("h", written.readframes(written.getnframes()))

    loud = next(at for at, sample in enumerate(samples) if abs(sample) > 4_500)
    assert loud / ffmpeg.PART_RATE < 0.01
