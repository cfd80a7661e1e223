"""A slot in the hands of a handler's threads."""

from __future__ import annotations

import threading
import time
from typing import Any, cast

import pytest

from preppath_workers.errors import JobLost
from preppath_workers.worker.attempt_consumer import AttemptConsumer


class SlowConsumer:
    """Notes how many calls are under way at once."""

    def __init__(self) -> None:
        self.calls = self.under_way = self.most = 0

    def check_lease(self, job: object) -> None:
        self.calls += 1
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        time.sleep(0.05)
        self.under_way -= 1


@pytest.fixture
def consumer() -> SlowConsumer:
    return SlowConsumer()


@pytest.fixture
def attempt_consumer(consumer: SlowConsumer) -> AttemptConsumer:
    return AttemptConsumer(cast("Any", consumer))


JOB = cast("Any", None)


def test_calls_of_several_threads_come_one_after_the_other(
    consumer: SlowConsumer, attempt_consumer: AttemptConsumer
) -> None:
    threads = [threading.Thread(target=attempt_consumer.check_lease, args=[JOB]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (consumer.calls, consumer.most) == (4, 1)


def test_closing_waits_for_the_call_under_way_and_later_ones_do_not_reach_the_slot(
    consumer: SlowConsumer, attempt_consumer: AttemptConsumer
) -> None:
    thread = threading.Thread(target=attempt_consumer.check_lease, args=[JOB])
    thread.start()
    while not consumer.under_way:
        time.sleep(0.001)
    attempt_consumer.close()
    assert consumer.under_way == 0
    with pytest.raises(JobLost):
        attempt_consumer.check_lease(JOB)
    assert consumer.calls == 1
    thread.join()
