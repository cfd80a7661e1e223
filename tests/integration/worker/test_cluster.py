"""Queues on different nodes of a Redis Cluster, while workers run."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress

import pytest
from redis.asyncio.cluster import RedisCluster as AsyncRedisCluster
from redis.cluster import ClusterNode as RedisPyNode
from redis.cluster import RedisCluster
from redis.exceptions import AskError, RedisError

from preppath_workers import AsyncQueue, Queue
from preppath_workers.config.model import RedisConfig
from preppath_workers.store.connections import connection
from preppath_workers.store.connections.clients import Clients
from tests.support.cluster import Cluster
from tests.support.process import HOST
from tests.support.waiting import eventually

from .conftest import Start
from .harness import state_of

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster(replicas=3) as cluster:
        yield cluster


@pytest.fixture
def queues(cluster: Cluster, key_prefix: str) -> tuple[Queue, Queue]:
    """The App's queues, which are on different nodes."""
    clients = Clients.patient(RedisConfig(cluster.url))
    alpha, beta = (Queue(name, clients.of(name), key_prefix) for name in ("alpha", "beta"))
    assert cluster.owner_of(alpha.keys.base) is not cluster.owner_of(beta.keys.base)
    return alpha, beta


def test_queue_of_a_redis_cluster_client_finds_its_node_and_does_not_follow_ask(
    cluster: Cluster, key_prefix: str
) -> None:
    nodes = [RedisPyNode(HOST, node.port) for node in cluster.primaries]
    with RedisCluster(startup_nodes=nodes) as client:
        queue = Queue("gamma", client, key_prefix)
        prompt = connection.client_without_retries(cluster.url, 3.0, queue.keys.base)
        queue.enqueue({"n": 1}, id="before")
        target = next(node for node in cluster.primaries if node is not cluster.owner_of(queue.keys.base))
        source = cluster.begin_move(queue.keys.base, target)
        cluster.move_keys(queue.keys.base, source, target)
        with pytest.raises(AskError):
            Queue("gamma", prompt, key_prefix).enqueue({"n": 2}, id="meanwhile")
        cluster.end_move(queue.keys.base, source, target)

        queue.enqueue({"n": 3}, id="after")
        assert [job.id for job in queue.jobs("waiting")] == ["before", "after"]


def test_async_queues_follow_their_slot_to_another_node(
    monkeypatch: pytest.MonkeyPatch, cluster: Cluster, key_prefix: str
) -> None:
    monkeypatch.setenv("REDIS_URL", cluster.url)
    monkeypatch.setenv("KEY_PREFIX", key_prefix)

    async def use_queue() -> None:
        client = AsyncRedisCluster(HOST, cluster.primaries[0].port)
        own, given = AsyncQueue.from_env("delta"), AsyncQueue("delta", client, key_prefix)
        for queue in (own, given):
            await queue.enqueue({})
        base = own.keys.base
        target = next(node for node in cluster.primaries if node is not cluster.owner_of(base))
        source = cluster.begin_move(base, target)
        cluster.move_keys(base, source, target)
        cluster.end_move(base, source, target)
        for queue in (own, given):
            await queue.enqueue({})
        assert (await own.counts()).waiting == 4
        for queue in (own, given):
            await queue.redis.aclose()
        await client.aclose()

    asyncio.run(use_queue())


@pytest.mark.timeout(120)
def test_workers_follow_their_queue_to_another_node_and_to_its_replica(
    launch: Start, cluster: Cluster, queues: tuple[Queue, Queue], key_prefix: str
) -> None:
    alpha, beta = queues
    app = launch(REDIS_URL=cluster.url, LEASE_SECONDS="5").start()
    alpha.enqueue({"do": "sleep", "seconds": 2}, id="long")
    app.pid_of("long")
    alpha.enqueue({}, id="delayed", delay=0.5)
    beta.enqueue({}, id="on-beta")

    base = alpha.keys.base
    target = cluster.owner_of(beta.keys.base)
    source = cluster.begin_move(base, target)
    assert cluster.move_keys(base, source, target)
    cluster.end_move(base, source, target)
    eventually(lambda: {state_of(alpha, job_id) for job_id in ("long", "delayed")} == {"completed"})
    eventually(lambda: state_of(beta, "on-beta") == "completed")
    assert app.runs("long") == 1

    target.kill()

    def is_added() -> bool:
        with suppress(RedisError):
            return beta.enqueue({}, id="after-failover").id == "after-failover"
        return False

    eventually(is_added, deadline=30)
    eventually(lambda: state_of(beta, "after-failover") == "completed")
    assert (alpha.counts().workers, beta.counts().workers) == (2, 1)
    rejections = app.logged("Redis rejects a command, retrying")
    assert "another node of the Cluster has this queue" in {line.get("meaning") for line in rejections}
    assert app.stop() == 0
