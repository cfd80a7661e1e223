"""A running job, used by several threads of a handler."""

from __future__ import annotations

import threading
import time
from contextlib import nullcontext
from typing import Any, cast

import pytest

from preppath_workers.errors import JobLost
from preppath_workers.store.consuming.paid_calls import PaidCalls
from preppath_workers.store.consuming.running_job import RunningJob
from preppath_workers.store.job import Job

JOB, NEXT_JOB = Job("tts", "j", {}), Job("tts", "next", {})


class SlowConnection:
    """Records how many calls run at once."""

    def __init__(self) -> None:
        self.calls = self.running = self.most = 0

    def bounded_by_python(self) -> Any:
        return nullcontext()

    def call(self, *_: object) -> list[str]:
        self.calls += 1
        self.running += 1
        self.most = max(self.most, self.running)
        time.sleep(0.05)
        self.running -= 1
        return ["ok"]


@pytest.fixture
def connection() -> SlowConnection:
    return SlowConnection()


@pytest.fixture
def running_job(connection: SlowConnection) -> RunningJob:
    slow = cast("Any", connection)
    made = RunningJob(slow, PaidCalls(slow), "host:0", (0, 0), None)
    made.begin(JOB)
    return made


def test_running_job_called_by_several_threads_makes_one_call_at_a_time(
    connection: SlowConnection, running_job: RunningJob
) -> None:
    threads = [threading.Thread(target=running_job.check_lease, args=[JOB]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (connection.calls, connection.most) == (4, 1)


def test_running_job_at_the_end_waits_for_the_running_call_and_refuses_later_ones(
    connection: SlowConnection, running_job: RunningJob
) -> None:
    thread = threading.Thread(target=running_job.check_lease, args=[JOB])
    thread.start()
    while not connection.running:
        time.sleep(0.001)
    running_job.end()
    assert connection.running == 0
    with pytest.raises(JobLost):
        running_job.check_lease(JOB)
    running_job.begin(NEXT_JOB)
    with pytest.raises(JobLost):
        running_job.check_lease(JOB)
    assert connection.calls == 1
    thread.join()


def test_cost_of_a_request_is_kept_if_a_thread_that_outlives_its_attempt_stores_a_step(
    connection: SlowConnection,
) -> None:
    slow = cast("Any", connection)
    paid_calls = PaidCalls(slow)
    running_job = RunningJob(slow, paid_calls, "host:0", (0, 0), None)
    running_job.begin(JOB)
    running_job.end()
    running_job.close_call(JOB, "{}", store=False)
    with pytest.raises(JobLost):
        running_job.checkpoint(JOB, "step", "{}")
    assert paid_calls.of(JOB.id) == ["{}"]
