"""The demo shows what its documentation says, and leaves nothing behind but its report."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import pyte
import pytest
from rich.console import Console

from tests.demo.screen import Row, Screen
from tests.support.full_output import run_with_full_output
from tests.support.process import ROOT
from tests.support.waiting import eventually

pytestmark = [pytest.mark.trial, pytest.mark.processes, pytest.mark.timeout(300)]

#: A developer's variables, which the demo must ignore.
FOREIGN = {
    "REDIS_URL": "redis://127.0.0.1:9",
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/nothing",
    "PGHOSTADDR": "127.0.0.9",
    "S3_BUCKET": "nothing",
    "AWS_PROFILE": "nobody",
    "TTS_RATE_LIMIT": "1/60",
}


class Run(NamedTuple):
    """What a complete run printed, and its report."""

    output: str
    report: str


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """The parent of the demo's temporary folders. PostgreSQL may run as another user, which needs access."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o711)
        yield Path(name)


def start(folder: Path, *options: str, light: bool = True) -> subprocess.Popen[str]:
    quick = ["--light", "--away", "1"] if light else []
    return subprocess.Popen(
        [sys.executable, "-m", "tests.demo", *quick, *options],
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
def run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    report = tmp_path_factory.mktemp("report") / "report.html"
    with start(folder, "--report", str(report)) as process:
        printed, _ = process.communicate()
    assert process.returncode == 0, printed
    assert list(folder.iterdir()) == []
    eventually(lambda: not processes_of(folder))
    return Run(printed, report.read_text(encoding="utf-8"))


def test_demo_run_passes_every_check_and_names_its_stand_ins(run: Run) -> None:
    assert "✗" not in run.output
    assert "✓ 20 of 20 jobs completed." in run.output
    assert "✓ 0 jobs are in the dead-letter list." in run.output
    assert re.search(r"^Stand-ins: moto for S3, and a scripted server for OpenAI", run.output, re.MULTILINE)
    assert "word error rate" not in run.output  # nothing was recognized


def test_demo_kills_a_worker_and_shows_its_job_running_again(run: Run) -> None:
    killed = re.search(
        r"kill -9 \d+: the worker that was transcribing (.*)\n.*\n?.*its job runs again", run.output
    )
    assert killed, run.output
    assert re.search(rf"transcription +completed +{killed[1]}, attempt 2$", run.output, re.MULTILINE)


def test_demo_shows_the_queue_held_while_openai_is_away(run: Run) -> None:
    moments = (
        "OpenAI is away",
        "is held, out of service: no connection to OpenAI",
        "OpenAI is back",
        "is open again",
    )
    places = [run.output.find(moment) for moment in moments]
    assert min(places) >= 0
    assert places == sorted(places)


def test_report_is_self_contained_and_has_everything_that_was_said(run: Run) -> None:
    assert run.report.count('src="data:audio/mpeg;base64,') == 10
    assert not re.search(r"https?://|<script|<link|url\(", run.report)
    assert run.report.count("<article") == 7
    assert "worker killed" in run.report


def test_demo_interrupted_by_ctrl_c_leaves_nothing_behind(folder: Path) -> None:
    with start(folder) as process:
        assert process.stdout is not None
        assert next(line for line in process.stdout if "active" in line)
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
    assert process.returncode == 130, rest
    assert "SIGINT: stopping everything" in rest
    assert list(folder.iterdir()) == []
    eventually(lambda: not processes_of(folder))


def test_demo_with_a_report_that_cannot_be_written_refuses_to_start(folder: Path) -> None:
    with start(folder, "--report", "/nowhere/report.html") as process:
        printed, _ = process.communicate()
    assert process.returncode == 2
    assert "cannot write /nowhere/report.html" in printed


def test_demo_whose_output_cannot_be_written_says_so_in_one_line(folder: Path) -> None:
    command = [sys.executable, "-m", "tests.demo", "--light", "--report", str(folder / "none.html")]
    found = run_with_full_output(command)
    assert found == (74, "bin/demo: cannot write the output: No space left on device\n")


@pytest.mark.offline
@pytest.mark.timeout(300)
def test_demo_with_real_engines_hears_what_it_said_and_tells_good_from_poor(folder: Path) -> None:
    with start(folder, "--report", os.devnull, light=False) as process:
        printed, _ = process.communicate()
    assert process.returncode == 0, printed
    assert "speech (Piper), speech recognition (Whisper tiny)" in printed
    rates = re.findall(r"was heard, word error rate ([\d.]+)$", printed, re.MULTILINE)
    assert len(rates) == 3
    assert fmean(map(float, rates)) <= 0.15
    scores = re.findall(r"^  (good|poor) answer(, order to grader)? +([\d.]+) ", printed, re.MULTILINE)
    assert [name for name, *_ in scores] == ["good", "poor", "good", "poor", "poor", "good", "poor"]
    good, others = (
        [float(score) for name, _, score in scores if name == wanted] for wanted in ("good", "poor")
    )
    assert min(good) > 7 > 6 > max(others)


def test_table_on_a_terminal_is_redrawn_in_place() -> None:
    stream, terminal = io.StringIO(), pyte.Screen(80, 24)
    screen = Screen(Console(file=stream, force_terminal=True, width=80, height=24, highlight=False))
    for progress in (10, 30, 90):
        screen.show([Row("1 indexes", "tts", "active", progress, 1, 1.5), Row("2 payments")], ["held"])
        screen.event("a worker was killed")
    pyte.Stream(terminal).feed(stream.getvalue().replace("\n", "\r\n"))
    shown = [line.rstrip() for line in terminal.display if line.strip()]
    assert ["a worker was killed" in line for line in shown[:4]] == [True, True, True, False]
    assert sum("1 indexes" in line for line in shown) == 1
    assert shown[-3].endswith("1   1.5 s")
    assert shown[-1].strip() == "held"
