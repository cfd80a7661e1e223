"""When a worker is replaced after machine errors."""

from __future__ import annotations

from preppath_workers.worker.shortage import Shortage


def test_shortage_of_six_attempts_in_a_row_is_lasting() -> None:
    shortage = Shortage()
    for _ in range(6):
        assert not shortage.is_lasting
        shortage.record(failed=True)
    assert shortage.is_lasting


def test_shortage_ends_with_an_attempt_without_a_machine_error() -> None:
    shortage = Shortage()
    for failed in (True, True, True, True, True, False, True):
        shortage.record(failed)
    assert not shortage.is_lasting
