"""A failover behind one address, while connections to the old primary stay open."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis import Redis

from preppath_workers import Queue
from tests.support.address import Address
from tests.support.process import HOST
from tests.support.redis import RedisServer
from tests.support.waiting import eventually

from .conftest import Start
from .harness import state_of

pytestmark = [pytest.mark.processes, pytest.mark.long]


@pytest.fixture
def primary() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def replica(primary: RedisServer) -> Iterator[RedisServer]:
    with RedisServer() as server, Redis.from_url(server.url) as client:
        client.replicaof(HOST, primary.port)
        eventually(lambda: client.info("replication")["master_link_status"] == "up", deadline=30)
        yield server


@pytest.mark.trial
@pytest.mark.timeout(120)
def test_instances_after_a_failover_follow_to_the_new_primary_within_the_lease(
    launch: Start, primary: RedisServer, replica: RedisServer, key_prefix: str
) -> None:
    old, new = Redis.from_url(primary.url), Redis.from_url(replica.url, decode_responses=True)
    with Address(primary.port) as address:
        apps = [launch(REDIS_URL=address.url, LEASE_SECONDS="4").start() for _ in range(2)]
        alpha = Queue("alpha", new, key_prefix)
        Queue("alpha", old, key_prefix).enqueue({"do": "sleep", "seconds": 9}, id="long")
        apps[0].pid_of("long")
        eventually(lambda: alpha.counts().active == 1)

        new.replicaof("NO", "ONE")
        old.replicaof(HOST, replica.port)
        address.port = replica.port

        alpha.enqueue({}, id="delayed", delay=1)
        eventually(lambda: state_of(alpha, "delayed") == "completed")
        eventually(lambda: state_of(alpha, "long") == "completed", deadline=40)
        assert apps[0].runs("long") == 1
        assert not [line for app in apps for line in app.logged("Recovered jobs of dead instance")]
        leases = new.zrange(alpha.keys.instances, 0, -1, withscores=True)
        assert len(leases) == 2
        assert all(ends > alpha.now() for _, ends in leases)
    old.close()
    new.close()


@pytest.mark.timeout(120)
def test_janitor_that_cannot_renew_any_lease_is_replaced(
    launch: Start, primary: RedisServer, key_prefix: str
) -> None:
    app = launch(REDIS_URL=primary.url, LEASE_SECONDS="2").start()
    janitor = app.processes()["janitor"]
    with Redis.from_url(primary.url) as client:
        client.replicaof(HOST, 1)
        eventually(lambda: app.processes().get("janitor") not in (None, janitor), deadline=30)
        client.replicaof("NO", "ONE")
    alpha = Queue("alpha", Redis.from_url(primary.url, decode_responses=True), key_prefix)
    alpha.enqueue({}, id="j", delay=0.1)
    eventually(lambda: state_of(alpha, "j") == "completed", deadline=30)
