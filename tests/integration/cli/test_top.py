"""top: what fits on a screen, and the screen itself on a real terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import termios
import time

import pytest

from preppath_workers import Counts, Job, Queue
from preppath_workers.cli.local_processes import LocalProcess
from preppath_workers.cli.top_view import Snapshot, render
from preppath_workers.store.consumer import Consumer
from preppath_workers.store.instance import new_name
from preppath_workers.store.reader import Gate
from preppath_workers.store.snapshot import QueueSnapshot, WorkerSnapshot

from .conftest import ROOT, Run
from .slots import take

NOW = 1_795_512_000_000
OPEN = Gate()
HERE = new_name()


def view(
    name: str, done: int = 0, gate: Gate = OPEN, workers: int = 3, busy: int = 1, dead: int = 0
) -> QueueSnapshot:
    return QueueSnapshot(
        name=name,
        counts=Counts(123_456, busy, 7, dead, 1_000, workers),
        gate=gate,
        statistics={"completed": done},
        workers=[
            WorkerSnapshot(
                name,
                f"{HERE}:{number}" if number else "other-host-12-abcdef:0",
                Job(name, f"job-{number}", {}) if number < busy else None,
                10.0 * number + 1 if number < busy else None,
                is_live=number != 2,
            )
            for number in range(workers)
        ],
        failures=[
            Job(name, f"dead-{number}", {
                "reason": "retries",
                "error": '{"class":"E","message":"a\\nlong\\u001b[2Jmessage ' + "x" * 99 + '"}',
                "finishedAt": f"{NOW - number * 60_000}",
            })
            for number in range(dead)
        ],
    )  # fmt: skip


def sight(*queues: QueueSnapshot, seconds: float = 0) -> Snapshot:
    workers = {(os.getpid(), "tts", 1): LocalProcess(4321, 61)}
    return Snapshot(NOW + round(seconds * 1000), queues, workers)


@pytest.mark.parametrize(("width", "height"), [(79, 23), (131, 42), (20, 5), (1, 1)])
def test_it_fits_the_screen(width: int, height: int) -> None:
    shown = render(
        sight(*(view(name, workers=20, dead=5) for name in ("tts", "evaluation"))), None, width, height
    )
    assert len(shown) <= height
    assert max(map(len, shown)) <= width
    assert all(line.isprintable() for line in shown)


def test_on_a_usual_terminal_nothing_that_matters_is_cut() -> None:
    shown = render(sight(view("transcription", busy=0), view("tts", dead=9)), None, 79, 23)
    assert shown[0].endswith("GATE")
    assert shown[2].split() == ["tts", "123456", "1", "7", "9", "-", "-", "-", "open"]
    assert "RECENT FAILURES" in shown
    assert shown[shown.index("RECENT FAILURES") + 2].split()[:3] == ["1", "min", "ago"]


def test_rates_are_by_the_minute() -> None:
    shown = render(sight(view("tts", done=30), seconds=10), sight(view("tts", done=10)), 79, 23)
    assert shown[1].split()[5] == "120"


def test_children_tell_where_they_are_and_what_they_do() -> None:
    shown = render(sight(view("tts", busy=2)), None, 79, 23)
    title = next(row for row, line in enumerate(shown) if line.startswith("WORKER"))
    assert shown[title + 1].split() == ["tts[1]", "4321", "61", "11", "job-1"]  # the longest running first
    assert shown[title + 2].split() == ["tts[0]", "-", "-", "1", "job-0", "on", "other-host"]
    assert shown[title + 3].split() == ["tts[2]", "-", "-", "-", "idle", "GONE"]


@pytest.mark.parametrize(
    ("gate", "workers", "told"),
    [
        (Gate(paused=True), 1, "paused"),
        (Gate(held_ms=5_000, reason="slow"), 1, "held 5 s"),
        (Gate(reason="broken", service="openai"), 1, "OUT OF SERVICE"),
        (OPEN, 0, "NO WORKERS"),
    ],
)
def test_the_gate_is_told(gate: Gate, workers: int, told: str) -> None:
    assert render(sight(view("tts", gate=gate, workers=workers, busy=0)), None, 99, 9)[1].endswith(told)


def test_once_prints_what_there_is(run: Run, tts: Queue, consumer: Consumer) -> None:
    tts.enqueue({}, id="runs")
    take(consumer)
    shown = run("top", "--once")
    assert shown.returncode == 0
    assert [line.split()[0] for line in shown.stdout.splitlines()[1:4]] == [
        "transcription",
        "tts",
        "evaluation",
    ]
    assert any(line.startswith("tts[0]") and line.split()[-3] == "runs" for line in shown.stdout.splitlines())


def test_on_a_terminal_it_runs_until_q(redis_url: str, key_prefix: str) -> None:
    child, terminal = pty.fork()
    if not child:
        environment = {**os.environ, "REDIS_URL": redis_url, "KEY_PREFIX": key_prefix, "TERM": "xterm"}
        os.execve(ROOT / "bin/preppath-workers", ["preppath-workers", "top", "--every", "0.2"], environment)  # noqa: S606 — no shell is wanted
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    shown = read_until(terminal, b"q: quit")
    assert b"evaluation" in shown
    os.write(terminal, b"q")
    read_until(terminal, b"\x1b[?1049l")  # the screen that was there before is back
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def read_until(terminal: int, wanted: bytes) -> bytes:
    shown, end = b"", time.monotonic() + 15
    while wanted not in shown:
        assert time.monotonic() < end, shown
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                shown += os.read(terminal, 65_536)
            except OSError:  # it has ended
                return shown
    return shown


@pytest.mark.parametrize("seconds", ["0", "x", "1e9"])
def test_every_is_a_sensible_number(run: Run, seconds: str) -> None:
    assert run("top", "--every", seconds).returncode == 2
