"""The lease of an instance with more jobs than one call requeues."""

from __future__ import annotations

import pytest

from preppath_workers import NewJob, Queue
from preppath_workers.config.load import load
from preppath_workers.config.model import QueueConfig
from preppath_workers.store.scripts import Caller
from preppath_workers.worker.maintenance.epochs import Epochs
from preppath_workers.worker.maintenance.lease import Lease
from preppath_workers.worker.maintenance.steps import Steps
from preppath_workers.worker.processes.instance_info import InstanceInfo
from tests.support.waiting import eventually

#: A call requeues some 50.
SLOTS = 120


@pytest.fixture
def lease(alpha: Queue, environment: dict[str, str]) -> Lease:
    """The lease of the instance `own`."""
    info = InstanceInfo("own", {"alpha": SLOTS}, {"alpha": QueueConfig("alpha")}, 0)
    call = Caller(alpha.redis, alpha.keys.base)
    lease = Lease(load(environment, []), info, "alpha", call, Steps(), Epochs())
    lease.renew()
    return lease


def fill_slots(alpha: Queue, instance: str) -> None:
    """Let each slot of the instance reserve a job."""
    alpha.enqueue_many(NewJob({}) for _ in range(SLOTS))
    for slot in range(SLOTS):
        alpha.redis.rpoplpush(alpha.keys.wait, alpha.keys.active(f"{instance}:{slot}"))


def test_release_of_a_lease_requeues_all_jobs(alpha: Queue, lease: Lease) -> None:
    fill_slots(alpha, "own")

    assert lease.release() == SLOTS

    assert alpha.redis.llen(alpha.keys.wait) == SLOTS
    assert alpha.redis.zrange(alpha.keys.instances, 0, -1) == []


def test_reap_of_a_dead_instance_goes_on_at_once_until_all_jobs_are_requeued(
    alpha: Queue, lease: Lease
) -> None:
    fill_slots(alpha, "dead")
    alpha.call("heartbeat", "dead", 1_000, SLOTS, 0, 0, 0, 0)

    def has_found_jobs() -> bool:
        lease.renew()
        return lease.reap_if_due(0.01) == 0

    eventually(has_found_jobs)
    while lease.reap_if_due(60) == 0:
        pass

    assert alpha.redis.llen(alpha.keys.wait) == SLOTS
