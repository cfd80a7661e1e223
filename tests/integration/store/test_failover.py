"""Producers during a failover: what they wait for, and how AsyncQueue finds the primary."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis
from redis.asyncio.sentinel import Sentinel as AsyncSentinel

from preppath_workers import AsyncQueue, Durability, JobFailed, NotReplicated, Queue
from preppath_workers.config.load import load
from preppath_workers.config.model import QueueConfig
from preppath_workers.store.connections import connection
from preppath_workers.store.consuming.consumer import Consumer
from tests.support.address import Address
from tests.support.minimal_env import MINIMAL_ENV
from tests.support.process import HOST
from tests.support.redis import RedisServer
from tests.support.sentinel import SERVICE, SentinelServer, await_quorum, follow, primary_port, sentinel_url
from tests.support.servers import running
from tests.support.waiting import eventually

from .consumer_steps import next_job

pytestmark = pytest.mark.long


def is_awaited(replica: Queue, job_id: str) -> bool:
    """Return whether the replica has the job by now, and that somebody waits for it."""
    return bool(replica.redis.hexists(replica.keys.job(job_id), "awaited"))


@pytest.fixture
def pair() -> Iterator[tuple[RedisServer, RedisServer]]:
    """A primary and its replica."""
    settings = {"requirepass": "redis-secret", "masterauth": "redis-secret"}
    primary, replica = RedisServer(settings=settings), RedisServer(settings=settings)
    with running(primary, replica):
        follow(replica, primary)
        yield primary, replica


@pytest.fixture
def sentinels(pair: tuple[RedisServer, RedisServer]) -> Iterator[Sequence[RedisServer]]:
    settings = {"user": "watcher on >sentinel-secret +sentinel|get-master-addr-by-name"}
    started = [SentinelServer(pair[0], settings=settings) for _ in range(3)]
    with running(*started):
        await_quorum(started, replicas=1)
        yield started


@pytest.mark.timeout(90)
def test_wait_goes_on_at_the_primary_that_the_sentinels_chose(
    monkeypatch: pytest.MonkeyPatch,
    pair: tuple[RedisServer, RedisServer],
    sentinels: Sequence[RedisServer],
    key_prefix: str,
) -> None:
    """Everything with passwords: of Redis, and a user of the sentinels."""
    primary, replica = pair
    login = "?sentinel_username=watcher&sentinel_password=sentinel-secret"
    monkeypatch.setenv("REDIS_URL", sentinel_url(sentinels, ":redis-secret@", login))
    monkeypatch.setenv("KEY_PREFIX", key_prefix)
    addresses = [(HOST, sentinel.port) for sentinel in sentinels]

    async def use_queue() -> list[object]:
        own = AsyncQueue.from_env("tts")
        theirs = AsyncQueue(
            "tts", AsyncSentinel(addresses).master_for(SERVICE, password="redis-secret"), key_prefix
        )
        refs = [await own.enqueue({}), await theirs.enqueue({})]
        waits = [ref.wait(60) for ref in refs]
        waits.append(asyncio.to_thread(Queue.from_env("tts").ref(refs[0].id).wait, 60))
        waiting = asyncio.gather(*waits, return_exceptions=True)
        await asyncio.to_thread(fail_over, [ref.id for ref in refs])
        for ref in refs:
            assert await own.cancel(ref.id) == "cancelled"
        for queue in (own, theirs):
            await queue.redis.aclose()
        return await waiting

    def fail_over(awaited: list[str]) -> None:
        with Redis.from_url(replica.url) as client:
            observer = Queue("tts", client, key_prefix)
            eventually(lambda: all(is_awaited(observer, job_id) for job_id in awaited))
            primary.kill()
            eventually(lambda: primary_port(sentinels[0]) == replica.port, deadline=30)

    ends = asyncio.run(use_queue())
    assert [type(end) for end in ends] == [JobFailed] * 3, ends


def test_wait_of_a_client_of_a_demoted_server_goes_on_behind_its_address(
    pair: tuple[RedisServer, RedisServer], key_prefix: str
) -> None:
    primary, replica = pair
    old, new = Redis.from_url(primary.url), Redis.from_url(replica.url)
    with Address(primary.port) as address, ThreadPoolExecutor() as threads:
        ref = Queue("tts", connection.client(address.url_of("redis-secret")), key_prefix).enqueue({})
        waiting = threads.submit(ref.wait, 30)
        there = Queue("tts", new, key_prefix)
        eventually(lambda: is_awaited(there, ref.id))
        new.replicaof("NO", "ONE")
        address.port = replica.port
        old.replicaof(HOST, replica.port)
        there.cancel(ref.id)
        with pytest.raises(JobFailed, match="was cancelled"):
            waiting.result()
    old.close()
    new.close()


def test_shortfall_of_replicas_lets_the_next_call_find_its_server_again(
    pair: tuple[RedisServer, RedisServer], key_prefix: str
) -> None:
    """The replica was promoted, and the primary, which stood still, doesn't know it yet."""
    primary, replica = pair
    with Redis.from_url(replica.url) as new, Address(primary.port) as address:
        durable = Durability(replicas=1, seconds=0.01)
        queue = Queue("tts", connection.client(address.url_of("redis-secret")), key_prefix, durable=durable)
        assert queue.counts().waiting == 0
        new.replicaof("NO", "ONE")
        address.port = replica.port
        there = Queue("tts", new, key_prefix)
        for waiting in (0, 1):
            with pytest.raises(NotReplicated):
                queue.enqueue({}, id="j")
            assert there.counts().waiting == waiting


def test_checkpoint_without_its_replicas_lets_the_worker_find_its_server_again(
    pair: tuple[RedisServer, RedisServer], key_prefix: str
) -> None:
    with Address(pair[0].port) as address:
        variables = {"CHECKPOINT_WAIT_REPLICAS": "2", "WAIT_SECONDS": "0.01", "KEY_PREFIX": key_prefix}
        config = load({**MINIMAL_ENV, **variables, "REDIS_URL": address.url_of("redis-secret")}, [])
        Queue("tts", connection.client(config.redis.url), key_prefix).enqueue({})
        consumer = Consumer(config, QueueConfig("tts"), "host", 0)
        job = next_job(consumer)
        opened = address.opened
        running_job = consumer.running_job
        running_job.begin(job)
        assert running_job.checkpoint(job, "pay", "1")
        running_job.progress(job, 50)
        assert address.opened == opened + 1
        consumer.disconnect()
