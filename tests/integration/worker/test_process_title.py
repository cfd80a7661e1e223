"""What `ps` shows of the processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from preppath_workers import Queue
from tests.support.waiting import eventually

from .conftest import Start


def title(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").decode()


@pytest.mark.processes
def test_process_title_of_each_process_shows_its_role_and_job(launch: Start, alpha: Queue) -> None:
    app = launch(ALPHA_CONCURRENCY="1").start()
    processes = app.processes()
    assert title(app.pid) == "preppath: supervisor alpha,beta"
    assert title(processes["janitor"]) == "preppath: janitor"
    eventually(lambda: title(processes["alpha:0"]) == "preppath: alpha[0] idle")

    alpha.enqueue({"do": "sleep", "seconds": 2, "secret": "hunter2"}, id="j")
    eventually(lambda: title(processes["alpha:0"]) == "preppath: alpha[0] job j 1 s")
    eventually(lambda: title(processes["alpha:0"]) == "preppath: alpha[0] idle")

    assert title(processes["beta:0"]) == "preppath: beta[0] idle"


@pytest.mark.processes
def test_process_title_with_a_long_job_id_is_shortened(launch: Start, alpha: Queue) -> None:
    app = launch(ALPHA_CONCURRENCY="1")
    app.forks = False  # the command line of a forked program has room for every title
    worker = app.start().processes()["alpha:0"]
    alpha.enqueue({"do": "sleep", "seconds": 3}, id="x" * 128)
    eventually(lambda: title(worker).startswith("preppath: alpha[0] job xxx"))
    assert title(worker).endswith(" s")
    assert ".. " in title(worker)


@pytest.mark.processes
def test_process_title_after_a_short_job_is_unchanged(launch: Start, alpha: Queue) -> None:
    app = launch(ALPHA_CONCURRENCY="1").start()
    alpha.enqueue({}, id="j")
    eventually(lambda: app.runs("j"))
    assert title(app.processes()["alpha:0"]) == "preppath: alpha[0] idle"
