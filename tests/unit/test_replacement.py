"""When a worker is replaced after machine errors."""

from __future__ import annotations

from preppath_workers.config.load import load
from preppath_workers.worker.processes.interrupts import Deadline
from preppath_workers.worker.replacement import Replacement


def replacement() -> Replacement:
    return Replacement(load({}, []), Deadline(1, each_second=lambda: None))


def test_replacement_after_six_machine_errors_in_a_row_is_due() -> None:
    worker = replacement()
    for _ in range(6):
        assert not worker.is_due()
        worker.record(is_machine_error=True)
    assert worker.is_due()


def test_replacement_after_an_attempt_without_a_machine_error_is_not_due() -> None:
    worker = replacement()
    for is_machine_error in (True, True, True, True, True, False, True):
        worker.record(is_machine_error)
    assert not worker.is_due()
