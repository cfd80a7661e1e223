"""The command top: its view, and the command on a real terminal."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import shutil
import struct
import subprocess
import termios
import time
from dataclasses import replace

import pytest
from redis import Redis

from preppath_workers import Counts, Job, Queue
from preppath_workers.cli.local_processes import LocalProcess, local_workers
from preppath_workers.cli.top_view import Snapshot, render
from preppath_workers.store.consuming.consumer import Consumer
from preppath_workers.store.instance import new_name
from preppath_workers.store.reading.reader import Gate
from preppath_workers.store.reading.snapshot import QueueSnapshot, WorkerSnapshot
from preppath_workers.store.reading.troubles import MachineTrouble
from tests.support.waiting import eventually

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


def snapshot(*queues: QueueSnapshot, seconds: float = 0) -> Snapshot:
    workers = {(os.getpid(), "tts", 1): LocalProcess(4321, 61)}
    return Snapshot(NOW + round(seconds * 1000), queues, workers)


@pytest.mark.parametrize(("width", "height"), [(79, 23), (131, 42), (20, 5), (1, 1)])
def test_render_of_any_size_fits_the_screen(width: int, height: int) -> None:
    shown = render(
        snapshot(*(view(name, workers=20, dead=5) for name in ("tts", "evaluation"))), None, width, height
    )
    assert len(shown) <= height
    assert max(map(len, shown)) <= width
    assert all(line.isprintable() for line in shown)


def test_render_on_a_usual_terminal_shows_every_section() -> None:
    shown = render(snapshot(view("transcription", busy=0), view("tts", dead=9)), None, 79, 23)
    assert shown[0].endswith("GATE")
    assert shown[2].split() == ["tts", "123456", "1", "7", "9", "-", "-", "-", "open"]
    assert "RECENT FAILURES" in shown
    failures = shown[shown.index("RECENT FAILURES") + 1 :]
    assert failures[1].split()[:3] == ["1", "min", "ago"]
    assert len(failures) == 5, "a third of the room"


def test_render_with_a_previous_snapshot_shows_rates_per_minute() -> None:
    shown = render(snapshot(view("tts", done=30), seconds=10), snapshot(view("tts", done=10)), 79, 23)
    assert shown[1].split()[5] == "120"


def test_render_of_workers_shows_their_process_and_job() -> None:
    shown = render(snapshot(view("tts", busy=2)), None, 79, 23)
    title = next(row for row, line in enumerate(shown) if line.startswith("WORKER"))
    assert shown[title + 1].split() == [
        "tts[1]",
        "4321",
        "61",
        "11",
        "job-1",
    ]  # the longest running job first
    assert shown[title + 2].split() == ["tts[0]", "-", "-", "1", "job-0", "on", "other-host"]
    assert shown[title + 3].split() == ["tts[2]", "-", "-", "-", "idle", "GONE"]


@pytest.mark.parametrize(
    ("gate", "workers", "state"),
    [
        (Gate(paused=True), 1, "paused"),
        (Gate(held_ms=5_000, reason="slow"), 1, "held 5 s"),
        (Gate(reason="broken", service="openai"), 1, "OUT OF SERVICE"),
        (OPEN, 0, "NO WORKERS"),
    ],
)
def test_render_of_a_gate_shows_its_state(gate: Gate, workers: int, state: str) -> None:
    assert render(snapshot(view("tts", gate=gate, workers=workers, busy=0)), None, 99, 9)[1].endswith(state)


def test_render_of_a_shortage_names_it_below_the_queues() -> None:
    lacks = replace(view("tts"), troubles=[MachineTrouble("web-1-2-3", "No space left on device", NOW)])
    shown = render(snapshot(lacks, view("evaluation")), None, 79, 23)
    assert shown[3:5] == ["tts: web-1-2-3: No space left on device", ""]


def test_top_once_prints_one_snapshot(run: Run, tts: Queue, consumer: Consumer) -> None:
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


def rates_of(run: Run, queue: Queue, redis: Redis, minute: int) -> dict[str, list[str]]:
    """Store what happened in this minute since the epoch; return the rates that `top` shows, by queue."""
    for number, done in ((minute - 1, 10), (minute, 52)):
        figures = {"minute": number, "waiting": 0, "completed": done, "failed": 0, "retried": 3}
        redis.lpush(queue.keys.history, json.dumps(figures))
    return {line.split()[0]: line.split()[5:8] for line in run("top", "--once").stdout.splitlines()[:4]}


def test_top_once_has_the_rates_of_the_latest_minute(run: Run, tts: Queue, redis: Redis) -> None:
    rows = rates_of(run, tts, redis, tts.now() // 60_000)
    assert rows["tts"] == ["42", "0", "0"]
    assert rows["evaluation"] == ["-", "-", "-"]


def test_top_once_has_no_rates_of_a_minute_that_is_long_over(run: Run, tts: Queue, redis: Redis) -> None:
    rows = rates_of(run, tts, redis, tts.now() // 60_000 - 5)
    assert rows["tts"] == ["-", "-", "-"]


def test_top_on_a_terminal_runs_until_q(redis_url: str, key_prefix: str) -> None:
    child, terminal = pty.fork()
    if not child:
        environment = {**os.environ, "REDIS_URL": redis_url, "KEY_PREFIX": key_prefix, "TERM": "xterm"}
        os.execve(ROOT / "bin/preppath-workers", ["preppath-workers", "top", "--every", "0.2"], environment)  # noqa: S606 — no shell needed
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    shown = read_until(terminal, b"q: quit")
    assert b"evaluation" in shown
    os.write(terminal, b"q")
    read_until(terminal, b"\x1b[?1049l")  # the previous screen is restored
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def read_until(terminal: int, wanted: bytes) -> bytes:
    shown, end = b"", time.monotonic() + 15
    while wanted not in shown:
        assert time.monotonic() < end, shown
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                shown += os.read(terminal, 65_536)
            except OSError:  # the process has ended
                return shown
    return shown


@pytest.mark.parametrize("seconds", ["0", "x", "1e9"])
def test_top_with_a_useless_interval_is_refused(run: Run, seconds: str) -> None:
    assert run("top", "--every", seconds).returncode == 2


def test_local_workers_of_a_queue_with_any_name_are_found() -> None:
    title = "preppath: slow-thumbnail_2[1] idle"
    with subprocess.Popen([title, "60"], executable=shutil.which("sleep")) as worker:
        try:
            # The kernel shows the new command line a moment after the old program is gone.
            slot = (os.getpid(), "slow-thumbnail_2", 1)
            eventually(lambda: slot in local_workers())
            assert local_workers()[slot].pid == worker.pid
        finally:
            worker.kill()
