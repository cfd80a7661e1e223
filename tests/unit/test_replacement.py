"""When a worker is replaced after machine errors."""

from __future__ import annotations

import errno
from unittest.mock import Mock

import pytest

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


@pytest.mark.parametrize(("number", "is_due"), [(errno.EMFILE, True), (errno.ENOENT, False)])
def test_replacement_if_the_memory_cannot_be_read_is_due_only_without_a_free_descriptor(
    monkeypatch: pytest.MonkeyPatch, number: int, is_due: bool
) -> None:
    monkeypatch.setattr("preppath_workers.worker.replacement._CHECK_INTERVAL", 0)
    monkeypatch.setattr(
        "preppath_workers.worker.replacement._resident_mb",
        Mock(side_effect=OSError(number, "/proc/self/statm")),
    )
    assert replacement().is_due() is is_due


def test_replacement_after_an_attempt_without_a_machine_error_is_not_due() -> None:
    worker = replacement()
    for is_machine_error in (True, True, True, True, True, False, True):
        worker.record(is_machine_error)
    assert not worker.is_due()
