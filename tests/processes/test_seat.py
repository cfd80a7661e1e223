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


def test_the_line_about_a_death_names_the_job(caplog: pytest.LogCaptureFixture) -> None:
    def dies_with_job_7(pulse: Pulse) -> ForkProcess:
        def body() -> None:
            pulse.begin_job("done")
            pulse.end_job()
            pulse.begin_job("7")
            os.kill(os.getpid(), signal.SIGKILL)

        return _fork(body)

    codes_and_delays(Seat("s", dies_with_job_7), 1)
    codes_and_delays(Seat("s", dies_at_start), 1)
    lines = [record.facts for record in caplog.records if record.message == "Child died"]  # type: ignore[attr-defined]
    assert [line.get("jobId") for line in lines] == ["7", None]


@pytest.mark.parametrize("job_id", ["", "a", "x" * 5_000, "\udcff raw"])
def test_a_pulse_takes_any_id(job_id: str) -> None:
    pulse = Pulse(shared=False)
    assert pulse.job_id is None
    pulse.begin_job(job_id)
    assert pulse.job_id == (job_id[:255] or None)
    pulse.end_job()
    assert (pulse.job_id, pulse.has_worked) == (None, True)


def test_a_child_that_left_in_good_order_is_followed_at_once() -> None:
    assert codes_and_delays(Seat("s", leaves_in_good_order), 4) == [(0, 0.0)] * 4


def test_a_pulse_is_seen_across_the_fork() -> None:
    pulse = Pulse()

    def body() -> None:
        pulse.begin_job("q1-ü")
        pulse.ready()
        time.sleep(60)

    process = _fork(body)
    eventually(lambda: pulse.is_ready)
    assert pulse.busy_for > 0
    assert pulse.job_id == "q1-ü"
    process.kill()
    process.join()
