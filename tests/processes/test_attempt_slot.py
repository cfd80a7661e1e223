"""A slot in the hands of a handler's threads."""

from __future__ import annotations

import threading
import time
from typing import Any, cast

import pytest

from preppath_workers.errors import JobLost
from preppath_workers.processes.attempt_slot import AttemptSlot


class SlowSlot:
    """Notes how many calls are under way at once."""

    def __init__(self) -> None:
        self.calls = self.under_way = self.most = 0

    def confirm(self, job: object) -> None:
        self.calls += 1
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        time.sleep(0.05)
        self.under_way -= 1


@pytest.fixture
def slot() -> SlowSlot:
    return SlowSlot()


@pytest.fixture
def attempt_slot(slot: SlowSlot) -> AttemptSlot:
    return AttemptSlot(cast("Any", slot))


JOB = cast("Any", None)


def test_calls_of_several_threads_come_one_after_the_other(slot: SlowSlot, attempt_slot: AttemptSlot) -> None:
    threads = [threading.Thread(target=attempt_slot.confirm, args=[JOB]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (slot.calls, slot.most) == (4, 1)


def test_closing_waits_for_the_call_under_way_and_later_ones_do_not_reach_the_slot(
    slot: SlowSlot, attempt_slot: AttemptSlot
) -> None:
    thread = threading.Thread(target=attempt_slot.confirm, args=[JOB])
    thread.start()
    while not slot.under_way:
        time.sleep(0.001)
    attempt_slot.close()
    assert slot.under_way == 0
    with pytest.raises(JobLost):
        attempt_slot.confirm(JOB)
    assert slot.calls == 1
    thread.join()
