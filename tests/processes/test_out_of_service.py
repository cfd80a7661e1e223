"""A vendor that refuses everything: the backlog waits, and a probe finds out when it is mended."""

from __future__ import annotations

from pathlib import Path

import pytest

from preppath_workers import Queue
from tests.processes.conftest import Start
from tests.processes.harness import state_of
from tests.waiting import eventually

pytestmark = pytest.mark.processes


def test_the_backlog_waits_uncounted_until_a_probe_succeeds(
    launch: Start, alpha: Queue, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    broken.touch()
    app = launch(PROBE_SECONDS="1").start()
    jobs = [f"j{number}" for number in range(6)]
    for job_id in jobs:
        alpha.enqueue({"do": "need", "absent": str(broken)}, id=job_id)
    (line, *_) = eventually(lambda: app.logged("The queue is held, a probe will open it again"))
    assert (line["level"], line["reason"]) == ("error", "the key is wrong")
    gate = alpha.gate()
    assert (gate.out_of_service, gate.reason) == (True, "the key is wrong")
    eventually(lambda: len(app.logged("The queue is held, a probe will open it again")) >= 4)
    for job_id in jobs:
        job = alpha.get(job_id)
        assert job is not None
        assert (job.failures, job.recoveries) == (0, 0)
    broken.unlink()
    eventually(lambda: all(state_of(alpha, job_id) == "completed" for job_id in jobs))
    assert not alpha.gate().out_of_service
    assert alpha.counts().failed == 0


def test_a_vendor_that_limits_the_rate_for_ever_is_a_failure_in_the_end(launch: Start, alpha: Queue) -> None:
    launch(ALPHA_RETRIES="0").start()
    alpha.enqueue({"do": "fail", "how": "limited", "after": 0.01}, id="j")
    eventually(lambda: state_of(alpha, "j") == "failed")
    job = alpha.get("j")
    assert job is not None
    assert (job.rate_limits, job.failures, job.reason) == (20, 1, "retries")
