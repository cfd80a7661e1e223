"""Many jobs that become due at the same moment."""

from __future__ import annotations

import pytest

from preppath_workers import NewJob, Queue
from preppath_workers.config.load import load
from preppath_workers.config.model import QueueConfig
from preppath_workers.worker.maintenance.janitor_process import JanitorProcess
from preppath_workers.worker.processes.instance_info import InstanceInfo
from preppath_workers.worker.processes.liveness import Liveness
from tests.support.waiting import eventually


def test_janitor_with_many_due_jobs_moves_them_in_one_round(
    alpha: Queue, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pause between two rounds would delay them."""
    monkeypatch.setattr("preppath_workers.worker.maintenance.janitor._PROMOTE_TIME", 60)
    janitor = JanitorProcess(
        load(environment, []),
        InstanceInfo("host-1", {"alpha": 1}, {"alpha": QueueConfig("alpha")}, 0),
        Liveness(),
    )
    alpha.enqueue_many(NewJob({}, delay=0.001) for _ in range(1_000))
    latest = alpha.redis.zrange(alpha.keys.delayed, -1, -1, withscores=True)[0][1]
    eventually(lambda: alpha.now() > latest)

    janitor.round()

    assert alpha.counts().delayed == 0
    assert alpha.counts().waiting == 1_000
