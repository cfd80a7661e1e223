"""Children whose supervisor is gone, and which of the processes the kernel takes when memory runs out."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from preppath_workers import Queue
from preppath_workers.parent_death import set_pdeathsig
from tests.support.waiting import eventually

from .conftest import Start
from .harness import is_alive, state_of

pytestmark = pytest.mark.processes


def test_children_that_the_kernel_does_not_end_notice_that_their_supervisor_is_gone(
    launch: Start, alpha: Queue
) -> None:
    app = launch(ALPHA_CONCURRENCY="2", LEASE_SECONDS="20")
    app.module = "tests.integration.worker.unbound_app"
    app.start()
    children = app.children()
    alpha.enqueue({"do": "sleep", "seconds": 1.5}, id="j")
    app.pid_of("j")
    app.kill()
    eventually(lambda: not [name for name, pid in children.items() if is_alive(pid)], deadline=30)
    assert state_of(alpha, "j") == "completed"


def test_child_whose_parent_died_before_it_could_ask_the_kernel_ends_at_once() -> None:
    reading, writing = os.pipe()
    if not (parent := os.fork()):
        prepare = set_pdeathsig()
        dying = os.getpid()
        if os.fork():
            os._exit(0)
        while os.getppid() == dying:
            time.sleep(0.01)
        prepare()
        os.write(writing, b"goes on")
        os._exit(0)
    os.waitpid(parent, 0)
    os.close(writing)
    assert os.read(reading, 100) == b""
    os.close(reading)


def oom_points(pid: int) -> int:
    return int(Path(f"/proc/{pid}/oom_score_adj").read_text(encoding="ascii"))


def test_workers_go_before_their_supervisor_and_janitor_when_memory_runs_out(launch: Start) -> None:
    app = launch().start()
    own = oom_points(app.pid)
    assert own < 1000
    eventually(lambda: all(oom_points(pid) > own for pid in app.workers().values()))
    assert oom_points(app.children()["janitor"]) == own
