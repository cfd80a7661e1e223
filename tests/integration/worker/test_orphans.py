"""Workers whose supervisor is gone, and which process the OOM killer picks first."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from preppath_workers import Queue
from preppath_workers.clients.parent_death import set_pdeathsig
from preppath_workers.worker.processes.forking import Child, is_orphaned
from tests.support.waiting import eventually

from .conftest import Start
from .harness import is_alive, state_of

pytestmark = [pytest.mark.processes, pytest.mark.long]


def test_workers_without_pdeathsig_finish_their_job_and_exit_after_their_supervisor(
    launch: Start, alpha: Queue
) -> None:
    app = launch(ALPHA_CONCURRENCY="2", LEASE_SECONDS="5")
    app.module = "tests.integration.worker.unbound_app"
    app.start()
    processes = app.processes()
    alpha.enqueue({"do": "sleep", "seconds": 1.5}, id="j")
    app.pid_of("j")
    app.kill()
    eventually(lambda: not [name for name, pid in processes.items() if is_alive(pid)], deadline=30)
    assert state_of(alpha, "j") == "completed"


def test_set_pdeathsig_after_the_parents_death_ends_the_process() -> None:
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


def test_is_orphaned_if_the_parent_died_before_the_first_call_is_true() -> None:
    reading, writing = os.pipe()

    def orphan(parent: int) -> None:
        while os.getppid() == parent:
            time.sleep(0.01)
        os.write(writing, str(is_orphaned()).encode())

    if not (parent := os.fork()):
        Child(target=orphan, args=[os.getpid()]).start()
        os._exit(0)
    os.waitpid(parent, 0)
    os.close(writing)
    assert os.read(reading, 100) == b"True"
    os.close(reading)


def oom_score(pid: int) -> int:
    return int(Path(f"/proc/{pid}/oom_score_adj").read_text(encoding="ascii"))


def test_oom_score_of_workers_is_above_that_of_supervisor_and_janitor(launch: Start) -> None:
    app = launch().start()
    own = oom_score(app.pid)
    assert own < 1000
    eventually(lambda: all(oom_score(pid) > own for pid in app.workers().values()))
    assert oom_score(app.processes()["janitor"]) == own
