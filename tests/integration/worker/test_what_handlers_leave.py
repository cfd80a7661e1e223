"""Handlers that fork, leave threads, use up descriptors or exit."""

from __future__ import annotations

import resource

import pytest
from redis import Redis

from preppath_workers import JobFailed, NewJob, Queue
from tests.support.waiting import eventually

from .conftest import Start
from .harness import is_alive, state_of
from .process_changes import CHANGES

pytestmark = pytest.mark.processes


def test_worker_whose_handler_exits_with_78_is_replaced(launch: Start, alpha: Queue) -> None:
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


@pytest.mark.parametrize("what", CHANGES)
def test_signals_that_a_handler_changes_harm_no_later_job(launch: Start, alpha: Queue, what: str) -> None:
    """The next job is interrupted when its time is over, another one when it is cancelled; a stop ends the
    worker."""
    app = launch(ALPHA_CONCURRENCY="1", ALPHA_TIMEOUT="1.5", ALPHA_RETRIES="0").start()
    change = {"do": "change", "what": what}
    alpha.enqueue(change).wait(30)
    with pytest.raises(JobFailed, match=r"\(retries\): JobTimeout"):
        alpha.enqueue({"do": "sleep", "seconds": 60}).wait(30)
    alpha.enqueue(change).wait(30)
    lasting = alpha.enqueue({"do": "sleep", "seconds": 60}, id="lasting")
    app.pid_of("lasting")
    assert lasting.cancel(running=True) == "cancelling"
    with pytest.raises(JobFailed, match="was cancelled"):
        lasting.wait(30)
    alpha.enqueue(change).wait(30)
    assert app.stop() == 0
    assert not [line for line in app.lines() if line["message"].startswith(("Killing", "Process died"))]
    told = app.logged("Handler changed how signals are handled")
    assert len(told) == (3 if "signals" in what else 0)


def test_signals_that_the_last_of_many_jobs_blocks_do_not_keep_the_worker_from_stopping(
    launch: Start, alpha: Queue
) -> None:
    app = launch(ALPHA_CONCURRENCY="1").start()
    alpha.enqueue_many(NewJob({"do": "change", "what": "block signals"}) for _ in range(5))
    eventually(lambda: alpha.counts().completed == 5)
    assert app.stop() == 0
    assert not app.logged("Killing worker: job did not end within SHUTDOWN_GRACE")


@pytest.mark.parametrize("cancels", [False, True])
def test_lock_that_an_interrupted_job_held_keeps_no_later_job_from_running(
    launch: Start, alpha: Queue, cancels: bool
) -> None:
    app = launch(ALPHA_CONCURRENCY="1", ALPHA_TIMEOUT="60" if cancels else "1.5", ALPHA_RETRIES="0").start()
    interrupted = alpha.enqueue({"do": "need_lock", "seconds": 90})
    app.pid_of(interrupted.id)
    if cancels:
        interrupted.cancel(running=True)
    with pytest.raises(JobFailed):
        interrupted.wait(30)
    alpha.enqueue({"do": "need_lock", "seconds": 0}).wait(30)
    assert app.stop() == 0
    assert not [line for line in app.lines() if line["message"].startswith(("Killing", "Process died"))]


def test_worker_without_a_free_descriptor_is_replaced(launch: Start, alpha: Queue) -> None:
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


def test_worker_without_a_descriptor_for_a_new_connection_is_replaced(
    launch: Start, alpha: Queue, redis: Redis
) -> None:
    """It tried forever, with its finished job: the janitor's lease kept that from running elsewhere."""
    app = launch(ALPHA_CONCURRENCY="1", MAX_MEMORY_MB="0").start()
    worker = app.workers()["alpha:0"]
    alpha.enqueue({"do": "take_descriptors"}, id="j")
    eventually(lambda: state_of(alpha, "j") == "delayed")
    redis.client_kill_filter(_type="normal")
    alpha.enqueue({}, id="k").wait(60)
    assert app.workers()["alpha:0"] != worker
    assert app.logged("Replacing worker: it cannot connect to Redis")
    assert not app.logged("Process died")


def test_worker_whose_job_closes_the_standard_descriptors_is_replaced(launch: Start, alpha: Queue) -> None:
    """The next connection to Redis got the number of standard error, and log lines were sent as commands."""
    app = launch(ALPHA_CONCURRENCY="1").start()
    worker = app.workers()["alpha:0"]
    alpha.enqueue({"do": "change", "what": "close standard files"}).wait(30)
    eventually(lambda: app.workers().get("alpha:0") not in (None, worker))
    alpha.enqueue({}).wait(30)
    assert app.stop() == 0
    assert not app.logged("Process died")


def test_worker_whose_job_removes_its_streams_ends_in_order(launch: Start, alpha: Queue) -> None:
    app = launch(ALPHA_CONCURRENCY="1").start()
    alpha.enqueue({"do": "change", "what": "remove streams"}).wait(30)
    alpha.enqueue({}).wait(30)
    assert app.stop() == 0
    assert not app.logged("Process died")


@pytest.mark.parametrize("then", ["return", "raise", "exit", "check_lease"])
def test_process_forked_by_a_handler_ends_when_it_leaves_the_handler(
    launch: Start, alpha: Queue, then: str
) -> None:
    app = launch(ALPHA_CONCURRENCY="1").start()
    jobs = [f"j{number}" for number in range(10)]
    for number, job_id in enumerate(jobs):
        alpha.enqueue({} if number % 2 else {"do": "fork", "then": then}, id=job_id)
    eventually(lambda: alpha.counts().completed == len(jobs))
    forks = eventually(lambda: len(found := app.records("forked")) == 5 and found)
    eventually(lambda: not any(is_alive(int(pid)) for _, _, pid in forks))
    assert [app.runs(job_id) for job_id in jobs] == [1] * len(jobs)
    assert {alpha.get(job_id).attempts for job_id in jobs} == {1}
    assert not app.logged("Process died")
    ended = app.logged("Ending process forked by handler: it returned from the handler")
    assert {line["jobId"] for line in ended} == {words[1] for words in forks}


def test_process_forked_by_a_handler_has_no_connection_to_redis(launch: Start, alpha: Queue) -> None:
    """Two processes would read each other's answers."""
    app = launch(ALPHA_CONCURRENCY="1").start()
    alpha.enqueue({"do": "fork_and_count"}, id="j").wait(60)
    assert int(app.records("own-connections")[0][2]) > 0
    assert app.records("forked-connections") == [["forked-connections", "j", "0"]]


def test_thread_left_by_a_handler_cannot_act_on_a_later_job(launch: Start, alpha: Queue) -> None:
    app = launch(ALPHA_CONCURRENCY="1").start()
    worker = app.workers()["alpha:0"]
    alpha.enqueue({"do": "leave_thread"}, id="j0")
    for number in range(1, 30):
        alpha.enqueue({"do": "check_lease_later"} if number == 5 else {}, id=f"j{number}")
    eventually(lambda: alpha.counts().completed == 30)
    assert [words[1] for words in app.records("stopped")] == ["j0"]
    assert app.workers()["alpha:0"] == worker
    # The thread still sleeps.
    assert app.stop() == 0
    assert not [line for line in app.lines() if line["message"].startswith("Killing")]
