"""Cancelling a job while its handler runs, on the real supervisor."""

from __future__ import annotations

import os
import signal

import pytest

from preppath_workers import JobFailed, Queue
from tests.support.waiting import eventually

from .conftest import Start
from .harness import state_of


def test_running_job_that_is_cancelled_is_interrupted_and_another_runs(launch: Start, alpha: Queue) -> None:
    app = launch(ALPHA_CONCURRENCY="1").start()
    ref = alpha.enqueue({"do": "sleep", "seconds": 600}, id="j")
    app.pid_of("j")
    assert ref.cancel() == "active"
    assert ref.cancel(running=True) == "cancelling"
    with pytest.raises(JobFailed, match="was cancelled"):
        ref.wait(60)
    assert not [line for line in app.records("end") if line[1] == "j"]
    eventually(lambda: app.logged("Job cancelled"))
    again = alpha.enqueue({}, id="j")  # its id is free again
    assert again.created
    again.wait(60)
    assert not [line for line in app.lines() if line["message"].startswith(("Killing", "Process died"))]


def test_handler_that_swallows_exceptions_is_cancelled_too(launch: Start, alpha: Queue) -> None:
    app = launch().start()
    ref = alpha.enqueue({"do": "swallow"}, id="j")
    app.pid_of("j")
    ref.cancel(running=True)
    eventually(lambda: state_of(alpha, "j") == "cancelled")
    assert not app.records("swallowed")


def test_job_whose_worker_dies_after_the_cancellation_is_cancelled(launch: Start, alpha: Queue) -> None:
    app = launch().start()
    ref = alpha.enqueue({"do": "hang"}, id="j")
    pid = app.pid_of("j")
    assert ref.cancel(running=True) == "cancelling"
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: state_of(alpha, "j") == "cancelled")
    assert app.runs("j") == 1


def test_job_is_cancelled_by_the_instance_that_runs_it(launch: Start, alpha: Queue) -> None:
    runs = launch(ALPHA_CONCURRENCY="1").start()
    ref = alpha.enqueue({"do": "sleep", "seconds": 60}, id="j")
    runs.pid_of("j")
    other = launch(ALPHA_CONCURRENCY="1").start()
    ref.cancel(running=True)
    eventually(lambda: state_of(alpha, "j") == "cancelled")
    eventually(lambda: runs.logged("Job cancelled"))
    assert not other.logged("Job cancelled")
