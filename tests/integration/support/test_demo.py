"""The demo: it shows what it promises, and leaves nothing behind, whenever it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.waiting import eventually

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[3]

#: What a developer may have set for the real thing; the demo must meet none of it.
FOREIGN = {
    "REDIS_URL": "redis://127.0.0.1:9",
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/nothing",
    "PGHOSTADDR": "127.0.0.9",
    "S3_BUCKET": "nothing",
    "AWS_PROFILE": "nobody",
    "TTS_RATE_LIMIT": "1/60",
}


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where the demo makes its temporary folder. PostgreSQL may run as another user, who must get through."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o711)
        yield Path(name)


def start(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.demo"],
        cwd=ROOT,
        env={**os.environ, **FOREIGN, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def processes_of(folder: Path) -> list[str]:
    """The ids of the processes whose temporary files go into the folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_bytes()
        except OSError:  # it has ended, or is somebody else's
            continue
        if f"TMPDIR={folder}".encode() in environment:
            found.append(process.name)
    return found


@pytest.fixture(scope="module")
def told() -> str:
    """What one whole run prints."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)
        with start(folder) as process:
            output, _ = process.communicate()
        assert process.returncode == 0, output
        assert list(folder.iterdir()) == []
        eventually(lambda: not processes_of(folder))
    return output


def test_every_job_ends_as_it_should(told: str) -> None:
    assert "As it should be: 16 jobs completed, 1 is in the dead-letter list." in told
    assert "Supervisor ended with exit code 0." in told


@pytest.mark.parametrize("queue", ["transcription", "tts", "evaluation"])
def test_jobs_are_seen_to_wait_to_run_and_to_complete(told: str, queue: str) -> None:
    lines = re.findall(rf"^ +[\d.]+ s  {queue} +(\w{{6}})  (\w+) ", told, re.MULTILINE)
    # On a busy machine the first of them may have begun before anybody looks.
    lives = [[state for job, state in lines if job == one] for one in dict(lines)]
    assert any("waiting active completed" in " ".join(dict.fromkeys(life)) for life in lives), lives


def test_errors_and_limits_of_the_vendor_are_seen(told: str) -> None:
    assert re.search(r"transcription \w{6} will be retried: OpenAI answered 500", told)
    assert re.search(r"transcription .* completed .* attempt 2$", told, re.MULTILINE)
    assert "evaluation is held: OpenAI answered 429" in told


def test_results_are_those_in_the_database_and_in_s3(told: str) -> None:
    assert told.count("same words") == 4
    scores = {
        int(n): float(score) for n, score in re.findall(r"^  (\d)  +([\d.]+)  .*[a-z]$", told, re.MULTILINE)
    }
    assert len(scores) == 6
    assert min(scores[1], scores[2]) > max(scores[3], scores[6]) > max(scores[4], scores[5])
    assert told.count(" bytes  recordings/") == 4
    assert told.count(" bytes  tts/") == 6
    assert re.search(r"200 OK, audio/mpeg, [\d,]+ bytes", told)


def test_the_dead_letter_tells_its_reason(told: str) -> None:
    assert re.search(r"evaluation  [0-9A-Z]{26}  invalid: answer is missing", told)


def test_nothing_is_paid_for_twice(told: str) -> None:
    assert "16 paid calls for 16 completed jobs" in told


@pytest.mark.parametrize("moment", ["Redis", "active"])
def test_ctrl_c_leaves_nothing_behind(folder: Path, moment: str) -> None:
    with start(folder) as process:
        assert process.stdout is not None
        seen = next(line for line in process.stdout if moment in line)
        assert seen
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
    assert process.returncode == 130, rest
    assert "SIGINT: stopping everything" in rest
    assert list(folder.iterdir()) == []
    eventually(lambda: not processes_of(folder))
