"""SIGTTIN and SIGTTOU add and remove a worker of each queue while jobs run."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from preppath_workers import NewJob, Queue
from tests.support.waiting import eventually

from .conftest import Start
from .harness import App, state_of

pytestmark = pytest.mark.processes


def names(app: App) -> list[str]:
    return sorted(app.workers())


def test_supervisor_on_ttin_and_ttou_adds_and_removes_one_worker_a_queue(launch: Start, alpha: Queue) -> None:
    app = launch().start()
    app.send(signal.SIGTTIN)
    eventually(lambda: names(app) == ["alpha:0", "alpha:1", "alpha:2", "beta:0", "beta:1"])
    eventually(lambda: alpha.counts().workers == 3)
    assert app.logged("Number of workers changed")[-1]["workers"] == {"alpha": 3, "beta": 2}

    for _ in range(3):
        changes = len(app.logged("Number of workers changed"))
        app.send(signal.SIGTTOU)
        # Signals of one number do not queue up.
        eventually(lambda changes=changes: len(app.logged("Number of workers changed")) > changes)
    eventually(lambda: names(app) == ["alpha:0", "beta:0"])

    app.send(signal.SIGHUP)
    eventually(lambda: names(app) == ["alpha:0", "alpha:1", "beta:0"])
    assert app.stop() == 0


def test_jobs_during_resizes_run_exactly_once(launch: Start, alpha: Queue) -> None:
    app = launch().start()
    ids = [f"j{number:03}" for number in range(120)]
    alpha.enqueue_many(NewJob({"do": "sleep", "seconds": 0.05}, id=job_id) for job_id in ids)
    changes = [signal.SIGTTIN, signal.SIGTTIN, signal.SIGTTOU, signal.SIGTTOU, signal.SIGTTIN, signal.SIGHUP]
    for number, change in enumerate(changes, start=1):
        eventually(lambda number=number: alpha.statistics().get("completed", 0) >= number * 15)
        app.send(change)
    eventually(lambda: alpha.statistics()["completed"] == 120)

    assert {job_id: app.runs(job_id) for job_id in ids} == dict.fromkeys(ids, 1)
    jobs = [job for job in map(alpha.get, ids) if job]
    assert {(job.state, job.attempts, job.recoveries) for job in jobs} == {("completed", 1, 0)}
    assert "recovered" not in alpha.statistics()


def test_job_that_ends_the_worker_of_a_closed_slot_with_code_0_is_requeued(
    launch: Start, alpha: Queue, tmp_path: Path
) -> None:
    app = launch(ALPHA_RECOVERIES="1", LEASE_SECONDS="60").start()
    go_on = tmp_path / "go-on"
    for job_id in ("a", "b"):  # one in each slot
        alpha.enqueue({"do": "exit", "code": 0, "file": str(go_on)}, id=job_id)
        app.pid_of(job_id)
    app.send(signal.SIGTTOU)
    eventually(lambda: app.logged("Number of workers changed"))
    go_on.touch()
    eventually(lambda: [state_of(alpha, job_id) for job_id in ("a", "b")] == ["failed", "failed"])
    eventually(lambda: names(app) == ["alpha:0", "beta:0"])
