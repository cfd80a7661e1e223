"""The demo shows what its documentation says, and leaves nothing behind."""

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

#: A developer's variables, which the demo must ignore.
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
    """The parent of the demo's temporary folder. PostgreSQL may run as another user, which needs access."""
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
    """Return the ids of the processes whose temporary files go into the folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_bytes()
        except OSError:  # it has ended, or belongs to another user
            continue
        if f"TMPDIR={folder}".encode() in environment:
            found.append(process.name)
    return found


@pytest.fixture(scope="module")
def output() -> str:
    """What one complete run prints."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)
        with start(folder) as process:
            printed, _ = process.communicate()
        assert process.returncode == 0, printed
        assert list(folder.iterdir()) == []
        eventually(lambda: not processes_of(folder))
    return printed


def test_demo_run_completes_every_job_but_the_invalid_one(output: str) -> None:
    assert "As it should be: 16 jobs completed, 1 is in the dead-letter list." in output
    assert "Supervisor ended with exit code 0." in output


@pytest.mark.parametrize("queue", ["transcription", "tts", "evaluation"])
def test_demo_shows_jobs_waiting_active_and_completed(output: str, queue: str) -> None:
    lines = re.findall(rf"^ +[\d.]+ s  {queue} +(\w{{6}})  (\w+) ", output, re.MULTILINE)
    # On a busy machine the first jobs may start before the demo looks.
    lives = [[state for job, state in lines if job == one] for one in dict(lines)]
    assert any("waiting active completed" in " ".join(dict.fromkeys(life)) for life in lives), lives


def test_demo_shows_a_retry_and_a_rate_limit(output: str) -> None:
    assert re.search(r"transcription \w{6} will be retried: OpenAI answered 500", output)
    assert re.search(r"transcription .* completed .* attempt 2$", output, re.MULTILINE)
    assert "evaluation is held: OpenAI answered 429" in output


def test_demo_shows_results_from_the_database_and_s3(output: str) -> None:
    assert output.count("same words") == 4
    scores = {
        int(n): float(score) for n, score in re.findall(r"^  (\d)  +([\d.]+)  .*[a-z]$", output, re.MULTILINE)
    }
    assert len(scores) == 6
    assert min(scores[1], scores[2]) > max(scores[3], scores[6]) > max(scores[4], scores[5])
    assert output.count(" bytes  recordings/") == 4
    assert output.count(" bytes  tts/") == 6
    assert re.search(r"200 OK, audio/mpeg, [\d,]+ bytes", output)


def test_demo_shows_the_reason_of_the_dead_letter(output: str) -> None:
    assert re.search(r"evaluation  [0-9A-Z]{26}  invalid: answer is missing", output)


def test_demo_pays_for_no_call_twice(output: str) -> None:
    assert "16 paid calls for 16 completed jobs" in output


@pytest.mark.parametrize("moment", ["Redis", "active"])
def test_demo_interrupted_by_ctrl_c_leaves_nothing_behind(folder: Path, moment: str) -> None:
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
