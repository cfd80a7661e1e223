"""A job's deadline interrupts that job and no other."""

from __future__ import annotations

import signal
import time
from unittest.mock import Mock

import pytest

from preppath_workers import Queue
from preppath_workers.config.load import load
from preppath_workers.config.model import QueueConfig
from preppath_workers.errors import JobTimeout
from preppath_workers.store.consuming.consumer import Consumer
from preppath_workers.worker.processes.cancellations import Cancellations
from preppath_workers.worker.processes.interrupts import Deadline
from preppath_workers.worker.processes.liveness import Liveness
from preppath_workers.worker.processes.machine_backoff import MachineBackoff
from preppath_workers.worker.processes.process_title import ProcessTitle
from preppath_workers.worker.worker import Worker
from tests.support.own_process import exit_code_of

from .harness import state_of


def armed(seconds: float) -> Deadline:
    deadline = Deadline(seconds, each_second=lambda: None)
    signal.signal(signal.SIGALRM, deadline.on_signal)
    return deadline


def interrupted(seconds: float) -> bool:
    """Whether a JobTimeout is raised within this time."""
    try:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(0.05)
    except JobTimeout:
        return True
    return False


@pytest.mark.parametrize(("disarms", "comes_again"), [(True, False), (False, True)])
def test_deadline_after_disarm_does_not_raise_again(disarms: bool, comes_again: bool) -> None:
    """JobTimeout may be raised as the block is entered or left; then its end never runs."""

    def body() -> int:
        deadline = armed(0.1)
        deadline.__enter__()
        if not interrupted(5):
            return 1
        if disarms:
            deadline.disarm()
        return 0 if interrupted(1.5) is comes_again else 2

    assert exit_code_of(body) == 0


@pytest.mark.parametrize("seconds", [0, 1_000], ids=["stopped", "set"])
def test_deadline_interrupts_a_job_whose_predecessor_changed_the_timer(seconds: int) -> None:
    def body() -> int:
        deadline = armed(1.2)
        with deadline:
            signal.setitimer(signal.ITIMER_REAL, seconds)
        with deadline:
            return 0 if interrupted(5) else 1

    assert exit_code_of(body) == 0


def test_deadline_of_a_finished_job_does_not_interrupt_the_next() -> None:
    def body() -> int:
        deadline = armed(1.2)
        for _ in range(3):
            with deadline:
                if interrupted(0.6):
                    return 1
        with deadline:
            return 0 if interrupted(5) else 2

    assert exit_code_of(body) == 0


def test_worker_interrupted_as_a_deadlines_block_ends_is_not_interrupted_again(
    alpha: Queue, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The signal arrives before the first instruction of `__exit__`, so that its end never runs."""

    def interrupt(deadline: Deadline, *_: object) -> None:
        deadline.on_signal(signal.SIGALRM, None)

    def body() -> int:
        queue = QueueConfig("alpha", timeout=0, retries=0)
        config = load({**environment, "MAX_JOBS_PER_CHILD": "1"}, [queue])
        consumer = Consumer(config, queue, "host", 0)
        around = (Mock(), Liveness(), ProcessTitle("alpha[0]"), Cancellations(), MachineBackoff())
        monkeypatch.setattr(Deadline, "__exit__", interrupt)
        Worker(config, queue, lambda _context, _services: {}, consumer, *around).run()
        signal.raise_signal(signal.SIGALRM)  # the timer's next tick, between two jobs
        return 0

    alpha.enqueue({}, id="j")
    assert exit_code_of(body) == 0
    assert state_of(alpha, "j") == "failed"
