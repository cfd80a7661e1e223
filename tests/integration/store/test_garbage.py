"""Replies that aren't Redis's: a consumer reconnects and settles its job."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from preppath_workers.queue import Queue
from preppath_workers.store.connections import async_connection, connection
from preppath_workers.store.consuming.outcome import Completed, Settlement
from preppath_workers.store.job import Job
from tests.support.address import Address
from tests.support.redis import RedisServer

from .consumer_steps import OpenConsumer, done, next_job, settle_and_fetch

PAGE = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 11\r\n\r\nBad Gateway"

GARBAGE = [
    PAGE,
    b"\x00\xff\xfe",
    b"*99999999999\r\n",
    b"*-5\r\n",
    b"$abc\r\n",
    b":x\r\n",
    b":42\r\n",
    b"+OK\r\n",
    b"_\r\n",
    b"$-1\r\n",
    b"*0\r\n",
    b"*1\r\n$2\r\nhi\r\n",
    b"*2\r\n$2\r\nhi\r\n*0\r\n",
    b"%1\r\n*0\r\n:2\r\n",
    b"-ERR upstream failure\r\n",
    b"$5\r\na\n{}x\r\n",
    b"$16\r\n1 2 2 50 a b\n{}x\r\n",
]


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def address(server: RedisServer) -> Iterator[Address]:
    with Address(server.port) as address:
        yield address


@pytest.fixture
def redis_url(address: Address) -> str:
    """For `open_consumer`: consumers connect through the address."""
    return address.url


@pytest.fixture
def direct(server: RedisServer, key_prefix: str) -> Iterator[Queue]:
    with connection.client(server.url) as client:
        client.flushall()
        yield Queue("tts", client, key_prefix)


def once(garbage: bytes) -> Callable[[bytes], bytes]:
    """Return a function that replaces the next piece of a reply only."""
    pieces = [garbage]
    return lambda answer: pieces.pop() if pieces else answer


@pytest.mark.parametrize("garbage", GARBAGE, ids=repr)
def test_settle_after_a_garbage_reply_settles_once(
    address: Address, direct: Queue, open_consumer: OpenConsumer, garbage: bytes
) -> None:
    consumer = open_consumer()
    direct.enqueue({}, id="a")
    finished = done(next_job(consumer), Completed("{}"))
    address.falsify = once(garbage)
    with pytest.raises(RedisError):
        settle_and_fetch(consumer, finished)

    settlement = consumer.settle()

    assert settlement is None or settlement.verdict == "completed"
    assert direct.counts().completed == 1
    assert consumer.settle() is None


def test_consumer_with_garbage_replies_completes_every_job_once(
    address: Address, direct: Queue, open_consumer: OpenConsumer
) -> None:
    """Each job also has one attempt only."""
    dice = random.Random(3)
    address.falsify = lambda answer: dice.choice(GARBAGE) if dice.random() < 0.1 else answer
    jobs = [f"j{number}" for number in range(40)]
    for job_id in jobs:
        direct.enqueue({}, id=job_id)
    consumer = open_consumer()
    finished, settled = None, []
    while len(settled) < len(jobs):
        try:
            settlement: Settlement | None = consumer.settle_and_fetch(finished)
            finished = None
            if settlement:
                settled.append(settlement.finished.job.id)
            found = consumer.next_job()
        except RedisError:
            finished = None
            continue
        if isinstance(found, Job):
            finished = done(found, Completed("{}"))
    assert sorted(settled) == sorted(jobs)
    assert direct.counts().completed == len(jobs)
    assert {job.attempts for job in direct.get_many(jobs)} == {1}


def test_client_with_an_http_reply_raises_a_connection_error(address: Address) -> None:
    with connection.client_without_retries(address.url, 3.0) as client:
        assert client.ping()
        address.falsify = once(PAGE)
        with pytest.raises(RedisConnectionError):
            client.ping()
        assert client.ping()


def test_async_client_with_an_http_reply_asks_again_on_a_new_connection(address: Address) -> None:
    async def ping_twice() -> None:
        async with async_connection.async_client(address.url) as client:
            assert await client.ping()
            address.falsify = once(PAGE)
            assert await client.ping()

    asyncio.run(ping_twice())


def test_settle_with_a_result_too_large_for_the_server_fails_the_job(
    server: RedisServer, direct: Queue, open_consumer: OpenConsumer
) -> None:
    consumer = open_consumer()
    direct.enqueue({}, id="a")
    finished = done(next_job(consumer), Completed(f'"{"x" * 1_060_000}"'))
    direct.redis.config_set("proto-max-bulk-len", 2**20)
    settlement = None
    try:
        for _ in range(50):  # the server closes the connection, which may lose its error
            try:
                settlement = consumer.settle_and_fetch(finished)
            except RedisError:
                continue
            break
    finally:
        direct.redis.config_set("proto-max-bulk-len", 2**29)

    assert settlement is not None
    assert (settlement.verdict, settlement.reason) == ("dead", "permanent")
    job = direct.get("a")
    assert job is not None
    assert job.state == "failed"
    assert "too large" in str(job.error)


@pytest.mark.parametrize("field", ["priority", "createdAt"])
@pytest.mark.parametrize("edited", ["5 0", "5\n0"], ids=["space", "line-break"])
def test_consumer_with_a_shifted_answer_fetches_the_whole_job(
    open_consumer: OpenConsumer, queue: Queue, field: str, edited: str
) -> None:
    """The answer for a first start is one text, and the field was edited by hand."""
    queue.enqueue({"n": 0}, id="before")
    queue.enqueue({"n": 1}, id="edited")
    queue.redis.hset(queue.keys.job("edited"), field, edited)
    consumer = open_consumer()
    before = next_job(consumer)

    with pytest.raises(RedisConnectionError):
        settle_and_fetch(consumer, done(before, Completed("1")))
    job = settle_and_fetch(consumer)

    assert isinstance(job, Job)
    assert (job.id, job.data, job.attempts) == ("edited", {"n": 1}, 1)
    settled = consumer.settle(done(job, Completed("2")))
    assert settled
    assert settled.verdict == "completed"
    assert queue.counts().completed == 2
