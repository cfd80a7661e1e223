"""How long a worker pauses after machine errors, and when it is replaced."""

from __future__ import annotations

from preppath_workers.worker.shortage import Shortage


def test_pause_after_machine_errors_of_different_jobs_doubles_up_to_thirty_seconds() -> None:
    shortage, pauses = Shortage(), []
    for number in range(7):
        shortage.record(f"job-{number}", failed=True)
        pauses.append(shortage.pause)
    assert pauses == [1, 2, 4, 8, 16, 30, 30]


def test_pause_after_machine_errors_of_one_job_stays_short() -> None:
    shortage = Shortage()
    for _ in range(5):
        shortage.record("job", failed=True)
        assert shortage.pause == 1


def test_pause_after_another_outcome_is_zero() -> None:
    shortage = Shortage()
    shortage.record("a", failed=True)
    shortage.record("b", failed=False)
    assert shortage.pause == 0


def test_shortage_of_six_attempts_in_a_row_is_lasting() -> None:
    shortage = Shortage()
    for number in range(6):
        assert not shortage.is_lasting
        shortage.record(f"job-{number % 2}", failed=True)
    assert shortage.is_lasting
