"""What handlers do to their process, and what they leave behind: copies of it, threads, exit codes."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from preppath_workers import Queue
from tests.support.waiting import eventually

from .conftest import Start
from .harness import is_alive, state_of

pytestmark = pytest.mark.processes


def test_handler_that_exits_with_78_is_a_death_like_any_other(launch: Start, alpha: Queue) -> None:
    app = launch(ALPHA_CONCURRENCY="1", ALPHA_RECOVERIES="1").start()
    alpha.enqueue({"do": "exit", "code": 78}, id="poison")
    alpha.enqueue({}, id="good")
    eventually(lambda: state_of(alpha, "poison") == "failed")
    eventually(lambda: state_of(alpha, "good") == "completed")
    job = alpha.get("poison")
    assert job is not None
    assert (job.reason, job.recoveries) == ("worker-died", 2)
    assert {line["cause"] for line in app.logged("Process died")} == {"exit code 78"}
    assert app.stop() == 0


def test_worker_whose_jobs_leave_no_descriptor_is_replaced(launch: Start, alpha: Queue) -> None:
    app = launch(ALPHA_CONCURRENCY="1")
    app.prepare = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    app.start()
    worker = app.workers()["alpha:0"]
    alpha.enqueue({"do": "leak"}, id="j")
    eventually(lambda: app.workers().get("alpha:0") not in (None, worker))
    alpha.enqueue({}, id="k")
    eventually(lambda: state_of(alpha, "k") == "completed")
    assert app.logged("Replacing worker: it cannot open files")
    assert not app.logged("Process died")


@pytest.mark.parametrize("then", ["return", "raise", "exit", "confirm"])
def test_process_that_a_handler_forked_ends_when_it_comes_out_of_the_handler(
    launch: Start, alpha: Queue, then: str
) -> None:
    app = launch(ALPHA_CONCURRENCY="1").start()
    jobs = [f"j{number}" for number in range(30)]
    for number, job_id in enumerate(jobs):
        alpha.enqueue({} if number % 2 else {"do": "fork", "then": then}, id=job_id)
    eventually(lambda: alpha.counts().completed == len(jobs))
    copies = eventually(lambda: len(found := app.records("copy")) == 15 and found)
    eventually(lambda: not any(is_alive(int(pid)) for _, _, pid in copies))
    assert [app.runs(job_id) for job_id in jobs] == [1] * len(jobs)
    assert {alpha.get(job_id).attempts for job_id in jobs} == {1}
    assert not app.logged("Process died")
    ended = app.logged("Ending process forked by handler: it returned from the handler")
    assert {line["jobId"] for line in ended} == {words[1] for words in copies}


def test_thread_that_a_handler_left_behind_disturbs_no_later_job(launch: Start, alpha: Queue) -> None:
    app = launch(ALPHA_CONCURRENCY="1").start()
    worker = app.workers()["alpha:0"]
    alpha.enqueue({"do": "leave_thread"}, id="j0")
    for number in range(1, 30):
        alpha.enqueue({"do": "confirm_later"} if number == 5 else {}, id=f"j{number}")
    eventually(lambda: alpha.counts().completed == 30)
    assert [words[1] for words in app.records("stopped")] == ["j0"]
    assert app.workers()["alpha:0"] == worker
    # The thread still sleeps.
    assert app.stop() == 0
    assert not [line for line in Path(app.log_path).read_text().splitlines() if "is killed" in line]
