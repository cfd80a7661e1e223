"""How long the workers of a queue pause on a machine that lacks something."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable

import pytest

from preppath_workers.worker.processes.machine_backoff import MachineBackoff

Clock = Callable[[float], None]


@pytest.fixture
def advance(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Advance the monotonic clock by this many seconds."""
    now = 1000.0

    def by(seconds: float) -> None:
        nonlocal now
        now += seconds

    monkeypatch.setattr(time, "monotonic", lambda: now)
    return by


def _fail(backoff: MachineBackoff, job: str) -> float:
    backoff.record(job, time.monotonic(), failed=True)
    return backoff.take_turn()


def test_pause_after_errors_of_different_jobs_doubles_up_to_thirty_seconds(advance: Clock) -> None:
    backoff, pauses = MachineBackoff(), []
    for number in range(8):
        pauses.append(_fail(backoff, f"job-{number}"))
        advance(pauses[-1])
        assert backoff.take_turn() == 0
    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]


def test_pause_after_errors_of_one_job_stays_short(advance: Clock) -> None:
    backoff = MachineBackoff()
    for _ in range(5):
        assert _fail(backoff, "job") == 1
        advance(1)


def test_errors_of_attempts_that_began_before_the_pause_count_once(advance: Clock) -> None:
    backoff, began = MachineBackoff(), time.monotonic()
    advance(1)
    for number in range(20):
        backoff.record(f"job-{number}", began, failed=True)
    assert backoff.take_turn() == 1


def test_turn_after_a_pause_is_one_workers_and_the_others_wait_on(advance: Clock) -> None:
    backoff = MachineBackoff()
    _fail(backoff, "a")
    advance(1)
    _fail(backoff, "b")
    advance(2)
    assert [backoff.take_turn() for _ in range(3)] == [0, 2, 2]


def test_job_that_completes_ends_the_pause_of_all_and_the_next_one_is_short_again(advance: Clock) -> None:
    backoff = MachineBackoff()
    for job in ("a", "b", "c"):
        _fail(backoff, job)
        advance(10)
    backoff.record("d", time.monotonic(), failed=False)
    assert backoff.take_turn() == 0
    assert _fail(backoff, "e") == 1


def test_pause_is_shared_with_processes_that_are_forked_later() -> None:
    backoff = MachineBackoff()

    def fail_jobs() -> None:
        for number in range(6):
            _fail(backoff, f"job-{number}")

    process = multiprocessing.get_context("fork").Process(target=fail_jobs)
    process.start()
    process.join()
    assert 0 < backoff.take_turn() <= 30
