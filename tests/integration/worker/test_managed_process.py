"""The delay before a respawn: no fork storm, and no delay if a job is to blame."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from multiprocessing.context import ForkProcess
from types import SimpleNamespace

import pytest

from preppath_workers.worker.processes import liveness as liveness_module
from preppath_workers.worker.processes.liveness import Liveness
from preppath_workers.worker.processes.managed_process import EX_HELD, ManagedProcess
from tests.support.waiting import eventually

pytestmark = pytest.mark.processes


def dies_at_start(liveness: Liveness) -> ForkProcess:
    return _fork(lambda: os._exit(1))


def dies_with_a_job(liveness: Liveness) -> ForkProcess:
    def body() -> None:
        liveness.begin_job("j")
        os.kill(os.getpid(), signal.SIGKILL)

    return _fork(body)


def ends_cleanly_in_a_job(liveness: Liveness) -> ForkProcess:
    def body() -> None:
        liveness.begin_job("j")
        os._exit(0)

    return _fork(body)


def exits_cleanly(liveness: Liveness) -> ForkProcess:
    return _fork(lambda: None)


def _fork(body: object) -> ForkProcess:
    process = multiprocessing.get_context("fork").Process(target=body)
    process.start()
    return process


def codes_and_delays(process: ManagedProcess, processes: int) -> list[tuple[int, float]]:
    """Spawn this many processes, each as soon as the one before has died."""
    seen = []
    for _ in range(processes):
        process.spawn(generation=1, time_limit=9.0)
        code = eventually(lambda: (code := process.reap()) is not None and [code])
        seen.append((code[0], round(process.respawn_delay, 1)))
    return seen


def test_respawn_delay_of_a_process_that_dies_at_its_start_grows() -> None:
    seen = codes_and_delays(ManagedProcess("s", dies_at_start), 5)
    assert seen == [(1, 0.0), (1, 0.2), (1, 0.4), (1, 0.8), (1, 1.6)]


def test_respawn_delay_after_many_deaths_is_at_most_thirty_seconds() -> None:
    assert codes_and_delays(ManagedProcess("s", dies_at_start), 12)[-1] == (1, 30.0)


def test_respawn_delay_with_a_longest_one_stays_below_it() -> None:
    seen = codes_and_delays(ManagedProcess("s", dies_at_start, longest_delay=0.5), 5)
    assert seen == [(1, 0.0), (1, 0.2), (1, 0.4), (1, 0.5), (1, 0.5)]


def test_respawn_delay_of_a_process_that_dies_in_a_job_is_zero() -> None:
    assert codes_and_delays(ManagedProcess("s", dies_with_a_job), 4) == [(-signal.SIGKILL, 0.0)] * 4


def test_managed_process_that_dies_in_a_job_logs_the_job(caplog: pytest.LogCaptureFixture) -> None:
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


def test_managed_process_that_has_logged_what_it_holds_is_not_logged_as_dead(
    caplog: pytest.LogCaptureFixture,
) -> None:
    process = ManagedProcess("s", lambda _: _fork(lambda: os._exit(EX_HELD)))
    assert codes_and_delays(process, 1) == [(EX_HELD, 0.0)]
    assert not process.exited_cleanly
    assert not caplog.records


def test_managed_process_that_a_job_ends_with_code_0_has_died(caplog: pytest.LogCaptureFixture) -> None:
    process = ManagedProcess("s", ends_cleanly_in_a_job)
    assert codes_and_delays(process, 2) == [(0, 0.0)] * 2
    assert not process.exited_cleanly  # what its slot holds is still to be requeued
    assert [record.message for record in caplog.records] == ["Process died"] * 2


@pytest.mark.parametrize("job_id", ["a", "x" * 5_000, "\udcff raw"])
def test_liveness_with_any_job_id_keeps_what_fits(job_id: str) -> None:
    liveness = Liveness(shared=False)
    assert liveness.job_id is None
    liveness.begin_job(job_id)
    assert liveness.job_id == job_id[:255]
    liveness.end_job()
    assert (liveness.job_id, liveness.has_worked) == (None, True)


def test_liveness_after_a_long_job_is_not_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000.0
    monkeypatch.setattr(liveness_module, "time", SimpleNamespace(monotonic=lambda: now))
    liveness = Liveness(shared=False)
    liveness.begin_job("j")
    now += 300.0
    assert (liveness.busy_for, liveness.silent_for) == (300.0, 300.0)
    liveness.end_job()
    assert (liveness.busy_for, liveness.silent_for) == (0.0, 0.0)


def test_respawn_delay_of_a_process_that_exits_cleanly_is_zero() -> None:
    assert codes_and_delays(ManagedProcess("s", exits_cleanly), 4) == [(0, 0.0)] * 4


def test_liveness_set_in_a_worker_is_seen_by_its_parent() -> None:
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
