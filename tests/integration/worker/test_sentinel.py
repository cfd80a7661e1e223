"""A failover by sentinels, while workers run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.sentinel import Sentinel

from preppath_workers import Durability, Queue
from preppath_workers.store.connections import connection
from tests.support.process import HOST
from tests.support.redis import RedisServer
from tests.support.sentinel import SERVICE, SentinelServer, await_quorum, follow, primary_port, sentinel_url
from tests.support.servers import running
from tests.support.waiting import eventually

from .conftest import Start
from .harness import state_of

pytestmark = [pytest.mark.processes, pytest.mark.long]


@pytest.fixture
def servers() -> Iterator[tuple[RedisServer, RedisServer]]:
    """A primary and its replica."""
    primary, replica = RedisServer(), RedisServer()
    with running(primary, replica):
        follow(replica, primary)
        yield primary, replica


@pytest.fixture
def sentinels(servers: tuple[RedisServer, RedisServer]) -> Iterator[Sequence[RedisServer]]:
    started = [SentinelServer(servers[0]) for _ in range(3)]
    with running(*started):
        yield started


@pytest.mark.timeout(120)
def test_workers_follow_the_sentinels_to_the_new_primary(
    launch: Start,
    servers: tuple[RedisServer, RedisServer],
    sentinels: Sequence[RedisServer],
    key_prefix: str,
) -> None:
    primary, replica = servers
    await_quorum(sentinels, replicas=1)
    url = sentinel_url(sentinels)
    app = launch(REDIS_URL=url, LEASE_SECONDS="5").start()
    alpha = Queue("alpha", connection.client(url), key_prefix)
    alpha.enqueue({"do": "sleep", "seconds": 4}, id="long")
    app.pid_of("long")
    # What the replica lacks would be lost with the primary.
    Queue("alpha", alpha.redis, key_prefix, durable=Durability()).enqueue({}, id="later", delay=60)

    primary.kill()
    eventually(lambda: primary_port(sentinels[0]) == replica.port, deadline=30)
    alpha.enqueue({}, id="after")
    eventually(lambda: state_of(alpha, "after") == "completed", deadline=30)
    eventually(lambda: state_of(alpha, "long") == "completed", deadline=30)
    primary.start()  # the sentinels make a replica of it: nothing must go back to it
    alpha.promote("later")

    eventually(lambda: state_of(alpha, "later") == "completed", deadline=30)
    assert app.runs("long") == 1
    theirs = Sentinel([(HOST, sentinel.port) for sentinel in sentinels]).master_for(SERVICE)
    assert Queue("alpha", theirs, key_prefix).counts().workers == 2
    assert app.stop() == 0


def test_client_asks_each_sentinel_and_names_what_they_answer(sentinels: Sequence[RedisServer]) -> None:
    sentinels[0].kill()
    with connection.client_without_retries(sentinel_url(sentinels), 3.0) as client:
        assert client.ping()
    unknown = sentinel_url(sentinels).replace("/queues", "/other")
    with (
        connection.client_without_retries(unknown, 3.0) as client,
        pytest.raises(RedisConnectionError, match="no sentinel names the primary of 'other'") as raised,
    ):
        client.ping()
    assert f"{sentinels[1].port} does not know it" in str(raised.value)
    assert f"{sentinels[0].port}: Error 111" in str(raised.value)
