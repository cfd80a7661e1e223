"""How successors are paced: no fork storm, and no delay where a job is to blame."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from multiprocessing.context import ForkProcess

import pytest

from preppath_workers.worker.liveness import Liveness
from preppath_workers.worker.managed_process import ManagedProcess
from tests.support.waiting import eventually

pytestmark = pytest.mark.processes


def dies_at_start(liveness: Liveness) -> ForkProcess:
    return _fork(lambda: os._exit(1))


def dies_with_a_job(liveness: Liveness) -> ForkProcess:
    def body() -> None:
        liveness.begin_job()
        os.kill(os.getpid(), signal.SIGKILL)

    return _fork(body)


def leaves_in_good_order(liveness: Liveness) -> ForkProcess:
    return _fork(lambda: None)


def _fork(body: object) -> ForkProcess:
    process = multiprocessing.get_context("fork").Process(target=body)
    process.start()
    return process


def codes_and_delays(process: ManagedProcess, children: int) -> list[tuple[int, float]]:
    """Lets so many children live and die, each at once after the one before."""
    seen = []
    for _ in range(children):
        process.spawn(generation=1, time_limit=9.0)
        code = eventually(lambda: (code := process.reap()) is not None and [code])
        seen.append((code[0], round(process.respawn_delay, 1)))
    return seen


def test_children_that_die_at_their_start_are_followed_later_and_later() -> None:
    seen = codes_and_delays(ManagedProcess("s", dies_at_start), 5)
    assert seen == [(1, 0.0), (1, 0.2), (1, 0.4), (1, 0.8), (1, 1.6)]


def test_the_delay_has_a_limit() -> None:
    assert codes_and_delays(ManagedProcess("s", dies_at_start), 12)[-1] == (1, 30.0)


def test_a_child_that_a_job_killed_is_followed_at_once() -> None:
    assert codes_and_delays(ManagedProcess("s", dies_with_a_job), 4) == [(-signal.SIGKILL, 0.0)] * 4


def test_the_line_about_a_death_names_the_job(caplog: pytest.LogCaptureFixture) -> None:
    def dies_with_job_7(liveness: Liveness) -> ForkProcess:
        def body() -> None:
            liveness.begin_job("done")
            liveness.end_job()
            liveness.begin_job("7")
            os.kill(os.getpid(), signal.SIGKILL)

        return _fork(body)

    codes_and_delays(ManagedProcess("s", dies_with_job_7), 1)
    codes_and_delays(ManagedProcess("s", dies_at_start), 1)
    lines = [record.fields for record in caplog.records if record.message == "Process died"]  # type: ignore[attr-defined]
    assert [line.get("jobId") for line in lines] == ["7", None]


@pytest.mark.parametrize("job_id", ["", "a", "x" * 5_000, "\udcff raw"])
def test_a_pulse_takes_any_id(job_id: str) -> None:
    liveness = Liveness(shared=False)
    assert liveness.job_id is None
    liveness.begin_job(job_id)
    assert liveness.job_id == (job_id[:255] or None)
    liveness.end_job()
    assert (liveness.job_id, liveness.has_worked) == (None, True)


def test_a_child_that_left_in_good_order_is_followed_at_once() -> None:
    assert codes_and_delays(ManagedProcess("s", leaves_in_good_order), 4) == [(0, 0.0)] * 4


def test_a_pulse_is_seen_across_the_fork() -> None:
    liveness = Liveness()

    def body() -> None:
        liveness.begin_job("q1-ü")
        liveness.ready()
        time.sleep(60)

    process = _fork(body)
    eventually(lambda: liveness.is_ready)
    assert liveness.busy_for > 0
    assert liveness.job_id == "q1-ü"
    process.kill()
    process.join()
