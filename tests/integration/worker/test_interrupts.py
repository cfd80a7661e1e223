"""A job's deadline interrupts that job and no other."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import pytest

from preppath_workers.errors import JobTimeout
from preppath_workers.worker.signals import Deadline


def exit_code_of(body: Callable[[], int]) -> int:
    """Run the body in a process of its own, as pytest uses the timer here; return its exit code."""
    if not (pid := os.fork()):
        code = 99
        try:
            code = body()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


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
