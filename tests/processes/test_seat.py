"""How successors are paced: no fork storm, and no delay where a job is to blame."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from multiprocessing.context import ForkProcess

import pytest

from preppath_workers.processes.pulse import Pulse
from preppath_workers.processes.seat import Seat
from tests.waiting import eventually

pytestmark = pytest.mark.processes


def dies_at_start(pulse: Pulse) -> ForkProcess:
    return _fork(lambda: os._exit(1))


def dies_with_a_job(pulse: Pulse) -> ForkProcess:
    def body() -> None:
        pulse.begin_job()
        os.kill(os.getpid(), signal.SIGKILL)

    return _fork(body)


def leaves_in_good_order(pulse: Pulse) -> ForkProcess:
    return _fork(lambda: None)


def _fork(body: object) -> ForkProcess:
    process = multiprocessing.get_context("fork").Process(target=body)
    process.start()
    return process


def codes_and_delays(seat: Seat, children: int) -> list[tuple[int, float]]:
    """Lets so many children live and die, each at once after the one before."""
    seen = []
    for _ in range(children):
        seat.fill(generation=1, time_limit=9.0)
        code = eventually(lambda: (code := seat.reap()) is not None and [code])
        seen.append((code[0], round(seat.vacant_for, 1)))
    return seen


def test_children_that_die_at_their_start_are_followed_later_and_later() -> None:
    seen = codes_and_delays(Seat("s", dies_at_start), 5)
    assert seen == [(1, 0.0), (1, 0.2), (1, 0.4), (1, 0.8), (1, 1.6)]


def test_the_delay_has_a_limit() -> None:
    assert codes_and_delays(Seat("s", dies_at_start), 12)[-1] == (1, 30.0)


def test_a_child_that_a_job_killed_is_followed_at_once() -> None:
    assert codes_and_delays(Seat("s", dies_with_a_job), 4) == [(-signal.SIGKILL, 0.0)] * 4


def test_a_child_that_left_in_good_order_is_followed_at_once() -> None:
    assert codes_and_delays(Seat("s", leaves_in_good_order), 4) == [(0, 0.0)] * 4


def test_a_pulse_is_seen_across_the_fork() -> None:
    pulse = Pulse()

    def body() -> None:
        pulse.begin_job()
        pulse.ready()
        time.sleep(60)

    process = _fork(body)
    eventually(lambda: pulse.is_ready)
    assert pulse.busy_for > 0
    process.kill()
    process.join()
