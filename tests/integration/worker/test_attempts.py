"""How a job ends, by what its handler does."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from preppath_workers import Queue
from tests.support.waiting import eventually

from .conftest import Start
from .harness import state_of
from .unreadable_errors import ERRORS

pytestmark = [pytest.mark.processes, pytest.mark.long]


def test_job_that_succeeds_keeps_its_result(launch: Start, alpha: Queue) -> None:
    app = launch().start()
    alpha.enqueue({}, id="j")
    eventually(lambda: state_of(alpha, "j") == "completed")
    job = alpha.get("j")
    assert job is not None
    assert job.result == {"pid": app.pid_of("j")}
    assert (job.attempts, job.failures, job.progress) == (1, 0, 100)


def test_log_of_a_job_has_one_line_for_its_start_and_one_for_its_end(launch: Start, alpha: Queue) -> None:
    app = launch().start()
    alpha.enqueue({}, id="j")
    (end,) = eventually(lambda: app.logged("Job completed"))
    (start,) = app.logged("Job started")
    assert start.items() >= {"queue": "alpha", "jobId": "j", "attempt": 1}.items()
    assert end.items() >= {"queue": "alpha", "jobId": "j", "attempt": 1, "outcome": "completed"}.items()
    assert end["durationMs"] >= 0
    assert end["waitMs"] == start["waitMs"] >= 0


def test_job_with_a_transient_error_is_retried_after_its_backoff_until_no_retry_is_left(
    launch: Start, alpha: Queue
) -> None:
    app = launch(ALPHA_RETRIES="2", ALPHA_BACKOFF="0.2", BACKOFF_JITTER="0").start()
    alpha.enqueue({"do": "fail", "how": "transient"}, id="j")
    (failure,) = eventually(lambda: app.logged("Job failed permanently"))
    assert [line["retryInMs"] for line in app.logged("Job will be retried")] == [200, 400]
    expected = {"jobId": "j", "attempts": 3, "errorClass": "TransientError", "reason": "retries"}
    assert failure.items() >= expected.items()
    assert failure["level"] == "error"
    assert failure["data"] == {"do": "fail", "how": "transient"}
    job = alpha.get("j")
    assert job is not None
    assert (job.state, job.reason, job.failures, app.runs("j")) == ("failed", "retries", 3, 3)
    assert job.error == {"class": "TransientError", "message": "try again"}


def test_job_with_an_unhandled_exception_is_retried_and_its_traceback_logged(
    launch: Start, alpha: Queue
) -> None:
    app = launch(ALPHA_RETRIES="1", ALPHA_BACKOFF="0").start()
    alpha.enqueue({"do": "fail", "how": "bug"}, id="j")
    eventually(lambda: state_of(alpha, "j") == "failed")
    lines = app.logged("Unhandled exception in handler")
    assert len(lines) == 2
    assert "ZeroDivisionError" in lines[0]["traceback"]


def test_job_that_raises_a_base_exception_fails_its_attempt(launch: Start, alpha: Queue) -> None:
    app = launch(ALPHA_RETRIES="0", ALPHA_CONCURRENCY="1").start()
    expected = {
        "cancelled": "CancelledError",
        "interrupt": "KeyboardInterrupt",
        "exit": "SystemExit",
        "generator": "GeneratorExit",
        "shutdown": "Shutdown",
    }
    run_and_fail(alpha, expected)
    assert not app.logged("Process died")


def test_job_that_is_its_workers_fails_its_attempt_if_it_says_that_it_is_not(
    launch: Start, alpha: Queue
) -> None:
    """A handler that keeps the context of an earlier job gets JobLost from it: unsettled, the job ran again
    at once, without end, and was charged no attempt."""
    app = launch(ALPHA_RETRIES="0", ALPHA_CONCURRENCY="1").start()
    kinds = ("JobLost", "JobGone", "JobCancelled")
    run_and_fail(alpha, {how: how for how in kinds})
    assert [app.runs(how) for how in kinds] == [1, 1, 1]


def run_and_fail(alpha: Queue, expected: Mapping[str, str]) -> None:
    """Run a job that fails for each of these reasons; expect errors of these classes."""
    for how in expected:
        alpha.enqueue({"do": "fail", "how": how}, id=how)
    eventually(lambda: alpha.counts().failed == len(expected))
    found = {job.id: (job.reason, (job.error or {})["class"]) for job in alpha.dead_letters()}
    assert found == {how: ("retries", name) for how, name in expected.items()}


def test_job_with_an_error_that_cannot_be_read_is_retried_and_keeps_its_worker(
    launch: Start, alpha: Queue
) -> None:
    app = launch(ALPHA_RETRIES="1", ALPHA_BACKOFF="0.05", ALPHA_CONCURRENCY="1").start()
    for how in ERRORS:
        alpha.enqueue({"do": "fail_unreadably", "how": how}, id=how)
    eventually(lambda: alpha.counts().completed == len(ERRORS))
    assert {job_id: app.runs(job_id) for job_id in ERRORS} == dict.fromkeys(ERRORS, 2)
    assert not app.logged("Process died")


def test_job_with_an_invalid_or_permanent_error_is_not_retried(launch: Start, alpha: Queue) -> None:
    app = launch().start()
    for how in ("invalid", "permanent"):
        alpha.enqueue({"do": "fail", "how": how}, id=how)
        eventually(lambda how=how: state_of(alpha, how) == "failed")
        job = alpha.get(how)
        assert job is not None
        assert (job.reason, app.runs(how)) == (how, 1)
    assert not app.logged("Job will be retried")


def test_job_whose_data_is_not_an_object_is_invalid(launch: Start, alpha: Queue) -> None:
    launch().start()
    alpha.enqueue({}, id="j", delay=1)
    alpha.redis.hset(alpha.keys.job("j"), "data", '["not", "an object"]')
    eventually(lambda: state_of(alpha, "j") == "failed")
    job = alpha.get("j")
    assert job is not None
    assert job.reason == "invalid"


def test_log_of_a_failed_job_without_log_job_data_omits_its_data(launch: Start, alpha: Queue) -> None:
    app = launch(LOG_JOB_DATA="false").start()
    alpha.enqueue({"do": "fail", "how": "permanent", "answer": "private"}, id="j")
    (failure,) = eventually(lambda: app.logged("Job failed permanently"))
    assert "private" not in json.dumps(failure)


def test_rate_limited_job_holds_the_queue_and_counts_no_attempt(launch: Start, alpha: Queue) -> None:
    app = launch(ALPHA_CONCURRENCY="1").start()
    alpha.enqueue({"do": "fail", "how": "limited", "after": 1.0}, id="j", priority=1)
    alpha.enqueue({}, id="other")
    eventually(lambda: app.logged("Job released"))
    job = alpha.get("j")
    assert job is not None
    assert (job.attempts, job.failures, job.releases) == (0, 0, 1)
    assert alpha.gate().held_ms > 0
    assert state_of(alpha, "other") == "waiting"
    eventually(lambda: app.runs("j") >= 2)


def test_job_that_reports_progress_shows_it_while_it_runs(launch: Start, alpha: Queue) -> None:
    launch().start()
    alpha.enqueue({"do": "progress"}, id="j")
    for percent in (10, 50, 90, 100):
        eventually(lambda percent=percent: (job := alpha.get("j")) and job.progress == percent)


def test_job_over_its_timeout_is_interrupted_as_job_timeout(launch: Start, alpha: Queue) -> None:
    app = launch(ALPHA_TIMEOUT="1", ALPHA_RETRIES="0").start()
    alpha.enqueue({"do": "sleep", "seconds": 30}, id="sleeps")
    alpha.enqueue({"do": "swallow"}, id="swallows")
    for job_id in ("sleeps", "swallows"):
        eventually(lambda job_id=job_id: state_of(alpha, job_id) == "failed")
        job = alpha.get(job_id)
        assert job is not None
        assert job.error is not None
        assert job.error["class"] == "JobTimeout"
    assert not app.logged("Process died")
    assert not app.records("swallowed")


def test_job_that_ignores_its_timeout_is_killed_with_its_worker(launch: Start, alpha: Queue) -> None:
    app = launch(ALPHA_TIMEOUT="1", ALPHA_RECOVERIES="0").start()
    alpha.enqueue({"do": "hang"}, id="j")
    pid = app.pid_of("j")
    eventually(lambda: state_of(alpha, "j") == "failed")
    job = alpha.get("j")
    assert job is not None
    assert job.reason == "worker-died"
    assert pid not in app.processes().values()
    (failure,) = eventually(lambda: app.logged("Job failed permanently"))
    assert failure["jobId"] == "j"


def test_rate_limit_of_a_queue_bounds_the_starts_in_every_window(launch: Start, alpha: Queue) -> None:
    app = launch(ALPHA_RATE_LIMIT="3/1").start()
    for number in range(9):
        alpha.enqueue({}, id=f"j{number}")
    eventually(lambda: alpha.counts().completed == 9)
    starts = sorted(job.started_at or 0 for number in range(9) if (job := alpha.get(f"j{number}")))
    assert all(later - earlier >= 1000 for earlier, later in zip(starts, starts[3:], strict=False))
    # Jobs of one window may start at the same moment, in two workers.
    started = [words[1] for words in app.records("start")]
    assert [sorted(started[at : at + 3]) for at in (0, 3, 6)] == [
        ["j0", "j1", "j2"], ["j3", "j4", "j5"], ["j6", "j7", "j8"],
    ]  # fmt: skip
