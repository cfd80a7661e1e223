"""A consumer used by several threads of a handler."""

from __future__ import annotations

import threading
import time
from typing import Any, cast

import pytest

from preppath_workers.errors import JobLost
from preppath_workers.store.job import Job
from preppath_workers.worker.attempt.attempt_consumer import AttemptConsumer


class SlowConsumer:
    """Records how many calls run at once."""

    def __init__(self) -> None:
        self.calls = self.running = self.most = 0

    def check_lease(self, job: object) -> None:
        self.calls += 1
        self.running += 1
        self.most = max(self.most, self.running)
        time.sleep(0.05)
        self.running -= 1


@pytest.fixture
def consumer() -> SlowConsumer:
    return SlowConsumer()


@pytest.fixture
def attempt_consumer(consumer: SlowConsumer) -> AttemptConsumer:
    made = AttemptConsumer(cast("Any", consumer))
    made.begin(JOB)
    return made


JOB, NEXT_JOB = Job("tts", "j", {}), Job("tts", "next", {})


def test_attempt_consumer_called_by_several_threads_makes_one_call_at_a_time(
    consumer: SlowConsumer, attempt_consumer: AttemptConsumer
) -> None:
    threads = [threading.Thread(target=attempt_consumer.check_lease, args=[JOB]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (consumer.calls, consumer.most) == (4, 1)


def test_attempt_consumer_at_the_end_waits_for_the_running_call_and_refuses_later_ones(
    consumer: SlowConsumer, attempt_consumer: AttemptConsumer
) -> None:
    thread = threading.Thread(target=attempt_consumer.check_lease, args=[JOB])
    thread.start()
    while not consumer.running:
        time.sleep(0.001)
    attempt_consumer.end()
    assert consumer.running == 0
    with pytest.raises(JobLost):
        attempt_consumer.check_lease(JOB)
    attempt_consumer.begin(NEXT_JOB)
    with pytest.raises(JobLost):
        attempt_consumer.check_lease(JOB)
    assert consumer.calls == 1
    thread.join()
