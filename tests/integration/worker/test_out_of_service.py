"""A queue whose service fails waits, and probes find out when it works again."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

import pytest

from preppath_workers import JobRef, NewJob, Queue
from tests.support.waiting import eventually

from .conftest import Start
from .harness import state_of

pytestmark = [pytest.mark.processes, pytest.mark.long]


@pytest.fixture
def full(tmp_path: Path) -> Path:
    """A file: while it exists, jobs that fill the disk find it full."""
    file = tmp_path / "full"
    file.touch()
    return file


def test_queue_out_of_service_excuses_its_jobs_until_a_probe_succeeds(
    launch: Start, alpha: Queue, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    broken.touch()
    app = launch(PROBE_SECONDS="1").start()
    jobs = [f"j{number}" for number in range(6)]
    for job_id in jobs:
        alpha.enqueue({"do": "need", "absent": str(broken)}, id=job_id)
    (line, *_) = eventually(lambda: app.logged("Queue is out of service"))
    assert (line["level"], line["service"], line["reason"]) == ("error", "openai", "the key is wrong")
    gate = alpha.gate()
    assert (gate.service, gate.reason) == ("openai", "the key is wrong")
    eventually(lambda: sum(job.excused for job in alpha.get_many(jobs)) >= 4)
    assert all((job.failures, job.recoveries) == (0, 0) for job in alpha.get_many(jobs))
    broken.unlink()
    eventually(lambda: all(state_of(alpha, job_id) == "completed" for job_id in jobs))
    assert not alpha.gate().out_of_service
    assert app.logged("Queue is back in service")
    assert alpha.counts().failed == 0


def test_service_outage_with_one_retry_fails_no_job(launch: Start, alpha: Queue, tmp_path: Path) -> None:
    down = tmp_path / "down"
    down.touch()
    app = launch(ALPHA_CONCURRENCY="3", ALPHA_RETRIES="1", ALPHA_BACKOFF="0.05", PROBE_SECONDS="1").start()
    jobs = [f"j{number}" for number in range(30)]
    alpha.enqueue_many(NewJob({"do": "serve", "down": str(down), "of": job_id}, job_id) for job_id in jobs)
    eventually(lambda: len(app.records("start")) > 6)
    assert alpha.gate().service == "openai"
    down.unlink()
    eventually(lambda: all(job.state == "completed" for job in alpha.get_many(jobs)))
    assert all(job.failures == 0 for job in alpha.get_many(jobs))


def test_poison_job_alone_in_its_queue_does_not_hold_jobs_that_arrive_later(
    launch: Start, alpha: Queue, tmp_path: Path
) -> None:
    launch(ALPHA_CONCURRENCY="2", ALPHA_RETRIES="1", ALPHA_BACKOFF="0.05").start()
    alpha.enqueue({"do": "serve", "poison": True}, id="poison", priority=1)
    eventually(lambda: alpha.gate().out_of_service and alpha.gate().probe_ms > 1_500)
    alpha.enqueue({"do": "serve", "down": str(tmp_path / "no")}, id="good")
    eventually(lambda: state_of(alpha, "good") == "completed")
    assert not alpha.gate().out_of_service

    def has_failed_among_others() -> bool:
        alpha.enqueue_many(NewJob({"do": "serve", "down": str(tmp_path / "no")}) for _ in range(5))
        return state_of(alpha, "poison") == "failed"

    eventually(has_failed_among_others, every=0.1)


def test_poison_job_first_in_its_queue_does_not_hold_the_others(
    launch: Start, alpha: Queue, tmp_path: Path
) -> None:
    alpha.enqueue({"do": "serve", "poison": True}, id="poison", priority=1)
    good = [f"j{number}" for number in range(20)]
    alpha.enqueue_many(NewJob({"do": "serve", "down": str(tmp_path / "no")}, job_id) for job_id in good)
    launch(ALPHA_CONCURRENCY="1", ALPHA_RETRIES="0").start()
    eventually(lambda: state_of(alpha, "poison") == "failed")
    eventually(lambda: all(job.state == "completed" for job in alpha.get_many(good)))


def test_many_poison_jobs_first_in_their_queue_do_not_hold_the_others(
    launch: Start, alpha: Queue, tmp_path: Path
) -> None:
    """Those that have failed return to the end of the queue, where probes look too."""
    alpha.enqueue_many(NewJob({"do": "serve", "poison": True}) for _ in range(12))
    good = [f"j{number}" for number in range(40)]
    alpha.enqueue_many(NewJob({"do": "serve", "down": str(tmp_path / "no")}, job_id) for job_id in good)
    launch(ALPHA_CONCURRENCY="3", ALPHA_BACKOFF="0.1").start()
    eventually(lambda: all(job.state == "completed" for job in alpha.get_many(good)), deadline=60)


def test_full_disk_during_a_job_counts_no_failure(launch: Start, alpha: Queue, full: Path) -> None:
    app = launch(ALPHA_RETRIES="0", ALPHA_BACKOFF="0.05").start()
    alpha.enqueue({"do": "fill_disk", "full": str(full)}, id="j")
    eventually(lambda: len(app.records("start")) >= 2)
    full.unlink()
    eventually(lambda: state_of(alpha, "j") == "completed")
    job = alpha.get("j")
    assert job is not None
    assert (job.failures, job.excused >= 2, job.attempts) == (0, True, 1)


def _is_completed(job: JobRef) -> bool:
    return job.status().state == "completed"


def test_job_that_needs_more_than_the_machine_has_does_not_hold_the_others(
    launch: Start, alpha: Queue, full: Path
) -> None:
    app = launch(ALPHA_CONCURRENCY="1", ALPHA_BACKOFF="0.1").start()
    alpha.enqueue({"do": "fill_disk", "full": str(full)}, id="poison")
    eventually(lambda: len(app.records("start")) >= 5)
    for number in range(3):
        job = alpha.enqueue({}, id=f"j{number}")
        # The worker pauses for a second. A pause that grew with each failure would take 16 s by now.
        eventually(partial(_is_completed, job), deadline=12)


def test_workers_of_a_machine_that_lacks_something_pause_together(
    launch: Start, alpha: Queue, full: Path
) -> None:
    """Each start uses a token of the rate limit, which the other machines need."""
    app = launch(ALPHA_CONCURRENCY="4", ALPHA_BACKOFF="0").start()
    jobs = [alpha.enqueue({"do": "fill_disk", "full": str(full)}) for _ in range(30)]
    eventually(lambda: len(app.records("start")) >= 5)
    began = time.monotonic()
    eventually(lambda: time.monotonic() - began > 2.2)
    # The first four, and one after each of the pauses of 1 and 2 s. Each worker for itself: 12.
    assert len(app.records("start")) <= 7
    full.unlink()
    eventually(lambda: all(map(_is_completed, jobs)), deadline=30)


def test_worker_with_lasting_machine_errors_is_replaced(launch: Start, alpha: Queue, full: Path) -> None:
    """What it lacks may be its own: leaked by jobs, or limited by one."""
    app = launch(ALPHA_CONCURRENCY="1", ALPHA_BACKOFF="0").start()
    worker = app.workers()["alpha:0"]
    alpha.enqueue({"do": "fill_disk", "full": str(full)}, id="j")
    eventually(lambda: app.workers().get("alpha:0") not in (None, worker), deadline=30)
    assert app.logged("Replacing worker: its jobs keep meeting machine errors")
    assert not app.logged("Process died")


@pytest.mark.parametrize("after", [0, -3, 0.0001])
def test_rate_limit_without_a_delay_still_holds_the_queue(launch: Start, alpha: Queue, after: float) -> None:
    """A vendor may answer 429 with "Retry-After: 0", or a date that is over."""
    app = launch(ALPHA_CONCURRENCY="1").start()
    alpha.enqueue({"do": "fail", "how": "limited", "after": after}, id="j")
    eventually(lambda: alpha.gate().held_ms > 0, deadline=3)
    assert app.runs("j") <= 3


def test_rate_limit_with_a_time_in_place_of_a_delay_holds_the_queue_for_a_day(
    launch: Start, alpha: Queue
) -> None:
    launch(ALPHA_CONCURRENCY="1").start()
    alpha.enqueue({"do": "fail", "how": "limited", "after": 1_795_000_000}, id="j")
    day = 24 * 3600 * 1000
    assert day - 60_000 < eventually(lambda: alpha.gate().held_ms) <= day


def test_job_that_is_rate_limited_twenty_times_fails(launch: Start, alpha: Queue) -> None:
    launch(ALPHA_RETRIES="0").start()
    alpha.enqueue({"do": "fail", "how": "limited", "after": 0.01}, id="j")
    eventually(lambda: state_of(alpha, "j") == "failed")
    job = alpha.get("j")
    assert job is not None
    assert (job.rate_limits, job.failures, job.reason) == (20, 1, "retries")
