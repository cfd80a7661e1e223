"""Adding jobs that replicas must confirm."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from redis import Redis
from redis.exceptions import ResponseError

from preppath_workers import Durability, NewJob, NotReplicated, Queue
from preppath_workers.store.connections import connection
from tests.support.redis import RedisServer
from tests.support.sentinel import follow
from tests.support.servers import running

_AOF = {"appendonly": "yes", "appendfsync": "always"}


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[RedisServer, RedisServer]]:
    """A primary and its replica."""
    primary, replica = RedisServer(settings=_AOF), RedisServer(settings=_AOF)
    with running(primary, replica):
        follow(replica, primary)
        yield primary, replica


@pytest.fixture
def stopped(pair: tuple[RedisServer, RedisServer]) -> Iterator[None]:
    """The replica is stopped: connected, but it confirms nothing."""
    os.kill(pair[1].pid, signal.SIGSTOP)
    yield
    os.kill(pair[1].pid, signal.SIGCONT)


def test_durable_enqueue_returns_when_the_replica_has_the_job(
    pair: tuple[RedisServer, RedisServer], key_prefix: str
) -> None:
    queue = Queue("tts", connection.client(pair[0].url), key_prefix, durable=Durability(seconds=4))
    queue.redis.script_flush()
    with Redis.from_url(pair[1].url) as replica:
        for number in range(20):
            job = queue.enqueue({"n": number})
            assert replica.exists(queue.keys.job(job.id))
        many = queue.enqueue_many(NewJob({"n": number}) for number in range(600))
        assert replica.llen(queue.keys.wait) == 20 + len(many)


def test_durable_enqueue_with_fsync_asks_for_the_disks(
    pair: tuple[RedisServer, RedisServer], key_prefix: str
) -> None:
    def add(replicas: int) -> None:
        durable = Durability(replicas, seconds=4, fsync=True)
        Queue("tts", connection.client(pair[0].url), key_prefix, durable=durable).enqueue({})

    with Redis.from_url(pair[0].url) as primary:
        if primary.info("server")["redis_version"].startswith(("6.", "7.0.")):
            pytest.skip("WAITAOF came with Redis 7.2")
        add(1)
        primary.config_set("appendonly", "no")
        try:
            with pytest.raises(ResponseError, match="appendonly is disabled"):
                add(0)
        finally:
            primary.config_set("appendonly", "yes")


@pytest.mark.usefixtures("stopped")
def test_durable_enqueue_that_no_replica_confirms_says_so_also_if_it_is_repeated(
    pair: tuple[RedisServer, RedisServer], key_prefix: str
) -> None:
    url = pair[0].url
    queue = Queue("tts", connection.client(url), key_prefix, durable=Durability(replicas=1, seconds=0.05))
    # Repeated on a new connection, the call writes nothing of its own that a replica could lack.
    again = Queue("tts", connection.client(url), key_prefix, durable=Durability(replicas=1, seconds=0.05))
    for each in (queue, again):
        with pytest.raises(NotReplicated, match="job j is added to queue tts") as raised:
            each.enqueue({}, id="j")
        assert (raised.value.job_ids, raised.value.wanted, raised.value.confirmed) == (("j",), 1, 0)
        assert "0 of 1 replicas confirmed" in str(raised.value)
    with pytest.raises(NotReplicated) as many:
        queue.enqueue_many(NewJob({}, id=name) for name in ("a", "b"))
    assert many.value.job_ids == ("a", "b")
    assert queue.counts().waiting == 3


@pytest.mark.parametrize(
    "values", [{"replicas": 0}, {"replicas": -1}, {"seconds": 0}, {"seconds": 5}, {"seconds": float("nan")}]
)
def test_durability_that_cannot_be_is_refused(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be"):
        Durability(**values)  # type: ignore[arg-type]
